#include "ft/data/manifest.h"

#include <numeric>
#include <system_error>

#include <fmt/format.h>

#include "ft/base/error.h"
#include "ft/base/file.h"
#include "ft/base/hash.h"

namespace ft {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kManifestFormat = "ft_dist packed set";
constexpr int kIndent = 1;
constexpr int kMostDepth = 16;

// The library would turn -1 or 1e99 into whatever the conversion makes of it.
std::uint64_t number(const Json& json) {
  return json.get_ref<const Json::number_unsigned_t&>();
}

Json notes_to_json(const std::vector<InputNote>& notes) {
  Json list = Json::array();
  for (const InputNote& note : notes) list.push_back({{"path", note.path}, {"reason", note.reason}});
  return list;
}

std::vector<InputNote> notes_from_json(const Json& list) {
  std::vector<InputNote> notes;
  notes.reserve(list.size());
  for (const Json& note : list) notes.push_back({note.at("path"), note.at("reason")});
  return notes;
}

Json shards_to_json(const std::vector<ShardEntry>& shards) {
  Json list = Json::array();
  for (const ShardEntry& shard : shards) list.push_back(to_json(shard));
  return list;
}

std::vector<ShardEntry> shards_from_json(const Json& list) {
  std::vector<ShardEntry> shards;
  shards.reserve(list.size());
  for (const Json& shard : list) shards.push_back(shard_entry_from_json(shard));
  return shards;
}

// Everything but the fingerprint.
Json body_of(const Manifest& manifest) {
  Json json{{"format", kManifestFormat},
            {"format_version", manifest.format_version},
            {"classes", manifest.classes},
            {"counts", manifest.counts},
            {"packed_with", manifest.packed_with},
            {"shards", shards_to_json(manifest.shards)},
            {"converted", notes_to_json(manifest.converted)},
            {"skipped", notes_to_json(manifest.skipped)},
            {"exif_oriented", manifest.exif_oriented}};
  if (manifest.transcoded) {
    json["transcoded"] = {{"samples", manifest.transcoded->samples},
                          {"bytes_found", manifest.transcoded->bytes_found},
                          {"bytes_stored", manifest.transcoded->bytes_stored}};
  }
  if (manifest.resampled) json["resampled"] = *manifest.resampled;
  if (!manifest.duplicates.is_null()) json["duplicates"] = manifest.duplicates;
  return json;
}

// What is written nests four deep. The library writes nested values by recursion: unlimited depth in a
// damaged file would end in a stack overflow.
Json parse_shallow(const std::string& text, const std::filesystem::path& path) {
  const auto check_depth = [&path](int depth, Json::parse_event_t /*event*/, Json& /*value*/) {
    if (depth <= kMostDepth) return true;
    throw DataError(fmt::format("{} is damaged: it nests deeper than {} levels", path.string(), kMostDepth),
                    "pack the data again, or restore the file");
  };
  return Json::parse(text, check_depth);
}

// Over the compact text, so that white space does not count.
std::string fingerprint_of(const Json& body) {
  return xxh3_128_of(body.dump());
}

void check_version(const Json& json, const std::filesystem::path& path) {
  if (json.at("format") != kManifestFormat) {
    throw DataError(fmt::format("{} is not the manifest of a packed set", path.string()),
                    "make a packed set with ft_pack pack");
  }
  const auto version = number(json.at("format_version"));
  if (version != kShardFormatVersion) {
    throw DataError(fmt::format("{}: format version {}, but this program reads version {}", path.string(),
                                version, kShardFormatVersion),
                    "pack the data again with this version's ft_pack");
  }
}

void check_fingerprint(Json json, const std::filesystem::path& path) {
  const std::string recorded = json.at("fingerprint");
  json.erase("fingerprint");
  if (fingerprint_of(json) == recorded) return;
  throw DataError(fmt::format("{} was changed after packing: its fingerprint does not match", path.string()),
                  "pack the data again, or restore the file");
}

void check_consistency(const Manifest& manifest, const std::filesystem::path& path) {
  const auto add = [](std::uint64_t sum, const ShardEntry& shard) { return sum + shard.samples; };
  const std::uint64_t in_shards =
      std::accumulate(manifest.shards.begin(), manifest.shards.end(), std::uint64_t{0}, add);
  if (manifest.classes.empty() || manifest.counts.size() != manifest.classes.size() ||
      manifest.samples() == 0 || manifest.samples() > kMaxSamples || in_shards != manifest.samples()) {
    throw DataError(fmt::format("{}: classes, counts and shards do not fit together", path.string()));
  }
  const auto count = static_cast<std::uint32_t>(manifest.shards.size());
  for (std::uint32_t i = 0; i < count; ++i) {
    if (manifest.shards[i].file != shard_file_name(i, count)) {
      throw DataError(fmt::format("{}: shard {} is called {}, expected {}", path.string(), i,
                                  manifest.shards[i].file, shard_file_name(i, count)));
    }
  }
}

Manifest from_json(const Json& json) {
  Manifest manifest;
  manifest.format_version = static_cast<std::uint32_t>(number(json.at("format_version")));
  manifest.classes = json.at("classes").get<std::vector<std::string>>();
  for (const Json& count : json.at("counts")) manifest.counts.push_back(number(count));
  manifest.packed_with = json.at("packed_with");
  manifest.shards = shards_from_json(json.at("shards"));
  manifest.converted = notes_from_json(json.at("converted"));
  manifest.skipped = notes_from_json(json.at("skipped"));
  manifest.exif_oriented = number(json.at("exif_oriented"));
  if (json.contains("transcoded")) {
    const Json& transcoded = json["transcoded"];
    manifest.transcoded = {transcoded.at("samples"), transcoded.at("bytes_found"),
                           transcoded.at("bytes_stored")};
  }
  if (json.contains("resampled")) manifest.resampled = number(json["resampled"]);
  if (json.contains("duplicates")) manifest.duplicates = json.at("duplicates");
  manifest.fingerprint = json.at("fingerprint");
  return manifest;
}

}  // namespace

std::uint64_t Manifest::samples() const {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

Json to_json(const ShardEntry& shard) {
  Json json{{"file", shard.file},
            {"bytes", shard.bytes},
            {"samples", shard.samples},
            {"xxh3_128", shard.xxh3_128},
            {"tables_xxh3_128", shard.tables_xxh3_128}};
  if (!shard.metadata_xxh3_128.empty()) {
    json["payload_begin"] = shard.payload.begin;
    json["payload_bytes"] = shard.payload.bytes;
    json["metadata_xxh3_128"] = shard.metadata_xxh3_128;
  }
  return json;
}

ShardEntry shard_entry_from_json(const Json& json) {
  ShardEntry shard{.file = json.at("file"),
                   .bytes = number(json.at("bytes")),
                   .samples = number(json.at("samples")),
                   .xxh3_128 = json.at("xxh3_128"),
                   .tables_xxh3_128 = json.at("tables_xxh3_128"),
                   .payload = {},
                   .metadata_xxh3_128 = {}};
  if (json.contains("metadata_xxh3_128")) {
    shard.payload = {.begin = number(json.at("payload_begin")), .bytes = number(json.at("payload_bytes"))};
    shard.metadata_xxh3_128 = json.at("metadata_xxh3_128");
  }
  return shard;
}

std::string compute_fingerprint(const Manifest& manifest) {
  return fingerprint_of(body_of(manifest));
}

std::string to_json_text(const Manifest& manifest) {
  Json json = body_of(manifest);
  json["fingerprint"] = manifest.fingerprint;
  return json.dump(kIndent) + "\n";
}

Manifest read_manifest(const std::filesystem::path& directory) {
  const std::filesystem::path path = directory / kManifestName;
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) {
    throw DataError(fmt::format("{} is not a packed set: it has no {}", directory.string(), kManifestName),
                    "make one with ft_pack pack SRC --out DIR");
  }
  if (!std::filesystem::is_regular_file(path, ignored)) {
    throw DataError(fmt::format("{} is not a plain file", path.string()));
  }
  const std::string text = read_text_file(path);
  try {
    const Json json = parse_shallow(text, path);
    check_version(json, path);
    check_fingerprint(json, path);
    Manifest manifest = from_json(json);
    check_consistency(manifest, path);
    return manifest;
  } catch (const nlohmann::json::exception& error) {
    throw DataError(fmt::format("{} is damaged: {}", path.string(), error.what()),
                    "pack the data again, or restore the file");
  }
}

}  // namespace ft
