#include <memory>
#include <string>

#include <fmt/format.h>

#include "ft/base/atomic_write.h"
#include "ft/base/error.h"
#include "ft/data/codec.h"
#include "ft/data/packed_set.h"

#include "commands.h"
#include "option_checks.h"
#include "png_file.h"

namespace ft {
namespace {

struct ExtractArguments {
  std::string directory;
  std::uint64_t sample = 0;
  std::string out;
  bool decode = false;
};

void write_out(const std::string& path, std::span<const std::byte> bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

// "jpeg, transcoded (restart markers)": the bytes are then not those of the file that was packed.
std::string stored_form(const PackedSet& set, const SampleInfo& sample) {
  std::vector<std::uint32_t> buffer;
  const bool transcoded = !set.read_restart_offsets(sample.sample_id, buffer).empty();
  return fmt::format("{}{}", codec_name(sample.codec), transcoded ? ", transcoded (restart markers)" : "");
}

void run_extract(const ExtractArguments& arguments) {
  const PackedSet set(arguments.directory);
  const SampleInfo sample = set.info(arguments.sample);
  std::vector<std::byte> buffer;
  const std::span<const std::byte> stored = set.read(arguments.sample, buffer);
  if (arguments.decode) {
    RgbImage image;
    decode_rgb(sample.codec, stored, static_cast<int>(sample.width), static_cast<int>(sample.height), image);
    write_out(arguments.out, encode_png(image));
  } else {
    write_out(arguments.out, stored);
  }
  fmt::print("{}: {} x {} pixels, label {} ({}), {} -> {}\n", set.describe(arguments.sample), sample.width,
             sample.height, sample.label, set.classes()[static_cast<std::size_t>(sample.label)],
             arguments.decode ? "png" : stored_form(set, sample), arguments.out);
}

}  // namespace

void add_extract_command(CLI::App& app, Command& chosen) {
  auto arguments = std::make_shared<ExtractArguments>();
  CLI::App* command = app.add_subcommand("extract", "Write one sample of a packed set to a file");
  command->add_option("DIR", arguments->directory, "A packed set")->required();
  command->add_option("--sample", arguments->sample, "The sample's id, from 0")
      ->type_name("ID")
      ->check(whole_number())
      ->required();
  command->add_option("--out", arguments->out, "The file to write")
      ->type_name("FILE")
      ->check(not_empty())
      ->required();
  command->add_flag("--decode", arguments->decode,
                    "The RGB pixels that training starts from, as PNG, instead of the stored bytes");
  command->callback([arguments, &chosen] { chosen = [arguments] { run_extract(*arguments); }; });
}

}  // namespace ft
