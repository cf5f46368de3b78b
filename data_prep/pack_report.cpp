#include "pack_report.h"

#include <algorithm>
#include <map>
#include <numeric>

#include <fmt/format.h>

#include "ft/report/progress.h"
#include "ft/report/table.h"

namespace ft {
namespace {

constexpr std::size_t kPathsShown = 5;
constexpr const char* kDetail = ": ";

// "truncated JPEG: the file ends at byte 17" is told under "truncated JPEG".
std::string kind_of(const std::string& reason) {
  return reason.substr(0, reason.find(kDetail));
}

std::string with_detail(const InputNote& note) {
  const std::size_t colon = note.reason.find(kDetail);
  return colon == std::string::npos ? note.path : note.path + kDetail + note.reason.substr(colon + 2);
}

std::uint64_t sum(const std::vector<std::uint64_t>& values) {
  return std::accumulate(values.begin(), values.end(), std::uint64_t{0});
}

}  // namespace

std::string count_of(std::uint64_t count, const std::string& thing, const char* ending) {
  return fmt::format("{} {}{}", count, thing, count == 1 ? "" : ending);
}

std::string class_table(const Manifest& manifest, const std::vector<std::uint64_t>& class_bytes) {
  Table table({"label", "class", "images", "bytes"});
  for (std::size_t i = 0; i < manifest.classes.size(); ++i) {
    table.add_row({std::to_string(i), manifest.classes[i], std::to_string(manifest.counts[i]),
                   format_bytes(class_bytes[i])});
  }
  table.add_row({"", "all", std::to_string(manifest.samples()), format_bytes(sum(class_bytes))});
  return table.to_string();
}

std::string notes_text(const std::string& title, const std::vector<InputNote>& notes) {
  if (notes.empty()) return {};
  std::map<std::string, std::vector<const InputNote*>> by_kind;
  for (const InputNote& note : notes) by_kind[kind_of(note.reason)].push_back(&note);
  std::string text = title + "\n";
  for (const auto& [kind, group] : by_kind) {
    text += fmt::format("  {} x {}\n", group.size(), kind);
    for (std::size_t i = 0; i < std::min(group.size(), kPathsShown); ++i) {
      text += fmt::format("      {}\n", with_detail(*group[i]));
    }
    if (group.size() > kPathsShown) text += fmt::format("      and {} more\n", group.size() - kPathsShown);
  }
  return text;
}

std::string transcoded_text(const Transcoded& transcoded) {
  return fmt::format("{} transcoded with restart markers: {} -> {}", transcoded.samples,
                     format_bytes(transcoded.bytes_found), format_bytes(transcoded.bytes_stored));
}

std::string raw_pixels_text(const Manifest& manifest) {
  if (!manifest.packed_with.contains("max_side")) return "raw RGB";
  return fmt::format("raw RGB, {} resampled to at most {} pixels a side", *manifest.resampled,
                     manifest.packed_with["max_side"].dump());
}

const char* converted_title(const Manifest& manifest) {
  return manifest.resampled ? "converted to RGB:" : "converted without loss:";
}

namespace {

// In which form the images are stored.
std::string storage_text(const PackResult& result) {
  const Manifest& manifest = result.manifest;
  if (manifest.resampled) {
    return fmt::format("all stored as {}; {} skipped\n", raw_pixels_text(manifest), manifest.skipped.size());
  }
  std::string text;
  if (manifest.transcoded) text += transcoded_text(*manifest.transcoded) + "\n";
  return text + fmt::format("{} stored as found, {} converted to RGB, {} skipped\n", result.stored_as_found,
                            manifest.converted.size(), manifest.skipped.size());
}

// Where more can be read than these words tell.
std::string where_the_lists_are(const PackResult& result) {
  const Manifest& manifest = result.manifest;
  const std::uint64_t notes = manifest.converted.size() + manifest.skipped.size();
  const std::uint64_t repeats = result.duplicates.count;
  if (repeats <= result.duplicates.listed.size()) {
    return notes + repeats == 0 ? "" : fmt::format("the whole list is in {}\n", kManifestName);
  }
  static_assert(kMostListed == 1000);
  std::string first =
      fmt::format("the first 1,000 are in {}: ft_pack duplicates --json prints all\n", kManifestName);
  if (notes == 0) return first;
  return first + fmt::format("what was converted and skipped is all in {}\n", kManifestName);
}

}  // namespace

std::string pack_report(const PackResult& result, const std::string& out, double seconds) {
  const Manifest& manifest = result.manifest;
  std::uint64_t file_bytes = 0;
  for (const ShardEntry& shard : manifest.shards) file_bytes += shard.bytes;
  std::string text =
      fmt::format("{} of {} in {} ({}) in {:.1f} s: {}\n", count_of(manifest.samples(), "image"),
                  count_of(manifest.classes.size(), "class", "es"), count_of(manifest.shards.size(), "shard"),
                  format_bytes(file_bytes), seconds, out);
  text += class_table(manifest, result.class_bytes);
  text += storage_text(result);
  text += notes_text(converted_title(manifest), manifest.converted);
  text += notes_text("skipped:", manifest.skipped);
  if (manifest.exif_oriented > 0) {
    text += fmt::format("{} with an EXIF orientation, which training ignores (torchvision does too)\n",
                        count_of(manifest.exif_oriented, "image"));
  }
  return text + duplicates_text(result.duplicates) + where_the_lists_are(result);
}

}  // namespace ft
