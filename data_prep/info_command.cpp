#include <algorithm>
#include <limits>
#include <map>
#include <string>

#include <fmt/format.h>

#include "ft/data/packed_set.h"
#include "ft/report/table.h"

#include "commands.h"
#include "pack_report.h"

namespace ft {
namespace {

struct Range {
  std::uint32_t least = std::numeric_limits<std::uint32_t>::max();
  std::uint32_t most = 0;

  void add(std::uint32_t value) {
    least = std::min(least, value);
    most = std::max(most, value);
  }
};

// What the tables say, summed up.
struct Summary {
  std::vector<std::uint64_t> class_bytes;
  std::map<std::string, std::uint64_t> codecs;
  Range width, height;
  std::uint64_t payload_bytes = 0;
};

Summary summarize(const PackedSet& set) {
  Summary summary;
  summary.class_bytes.resize(set.classes().size());
  for (std::uint64_t id = 0; id < set.size(); ++id) {
    const SampleInfo sample = set.info(id);
    summary.class_bytes[static_cast<std::size_t>(sample.label)] += sample.payload_bytes;
    summary.payload_bytes += sample.payload_bytes;
    ++summary.codecs[codec_name(sample.codec)];
    summary.width.add(sample.width);
    summary.height.add(sample.height);
  }
  return summary;
}

void print_json(const PackedSet& set, const Summary& summary) {
  const Manifest& manifest = set.manifest();
  nlohmann::ordered_json json{{"format_version", manifest.format_version},
                              {"samples", set.size()},
                              {"classes", manifest.classes},
                              {"counts", manifest.counts},
                              {"class_bytes", summary.class_bytes},
                              {"shards", manifest.shards.size()},
                              {"payload_bytes", summary.payload_bytes},
                              {"codecs", summary.codecs},
                              {"width", {summary.width.least, summary.width.most}},
                              {"height", {summary.height.least, summary.height.most}},
                              {"converted", manifest.converted.size()},
                              {"skipped", manifest.skipped.size()},
                              {"exif_oriented", manifest.exif_oriented},
                              {"packed_with", manifest.packed_with},
                              {"fingerprint", manifest.fingerprint}};
  if (manifest.transcoded) json["transcoded"] = manifest.transcoded->samples;
  if (manifest.resampled) json["resampled"] = *manifest.resampled;
  fmt::print("{}\n", json.dump(1));
}

void print_text(const PackedSet& set, const Summary& summary) {
  const Manifest& manifest = set.manifest();
  std::string codecs;
  for (const auto& [name, count] : summary.codecs) {
    codecs += fmt::format("{}{} {}", codecs.empty() ? "" : ", ", count, name);
  }
  const auto line = [](const char* name, const std::string& value) {
    fmt::print("  {:<15} {}\n", name, value);
  };
  line("set", set.directory().string());
  line("format version", std::to_string(manifest.format_version));
  line("shards", std::to_string(manifest.shards.size()));
  line("images", fmt::format("{} ({})", set.size(), codecs));
  line("payload", format_bytes(summary.payload_bytes));
  if (manifest.transcoded) line("restart index", transcoded_text(*manifest.transcoded));
  if (manifest.resampled) line("pixels", raw_pixels_text(manifest));
  line("width", fmt::format("{} to {}", summary.width.least, summary.width.most));
  line("height", fmt::format("{} to {}", summary.height.least, summary.height.most));
  line("EXIF-oriented", std::to_string(manifest.exif_oriented));
  line("packed with", manifest.packed_with.dump());
  line("fingerprint", manifest.fingerprint);
  fmt::print("{}{}{}", class_table(manifest, summary.class_bytes),
             notes_text(converted_title(manifest), manifest.converted),
             notes_text("skipped:", manifest.skipped));
}

}  // namespace

void add_info_command(CLI::App& app, Command& chosen) {
  struct Arguments {
    std::string directory;
    bool json = false;
  };
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand("info", "Say what a packed set holds");
  command->add_option("DIR", arguments->directory, "A packed set")->required();
  command->add_flag("--json", arguments->json, "As one JSON object");
  command->callback([arguments, &chosen] {
    chosen = [arguments] {
      const PackedSet set(arguments->directory);
      const Summary summary = summarize(set);
      arguments->json ? print_json(set, summary) : print_text(set, summary);
    };
  });
}

}  // namespace ft
