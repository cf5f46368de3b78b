// manifest.json of a packed set: written last, so its presence means that the set is whole.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "ft/data/shard_format.h"

namespace ft {

// Where in a shard file its payload lies.
struct PayloadPlace {
  std::uint64_t begin = 0;
  std::uint64_t bytes = 0;
};

struct ShardEntry {
  std::string file;
  std::uint64_t bytes = 0;
  std::uint64_t samples = 0;
  std::string xxh3_128;         // of the whole file
  std::string tables_xxh3_128;  // hash_of_tables
  PayloadPlace payload;
  std::string metadata_xxh3_128;  // hash_of_metadata; empty where the packer did not record it
};

// An input that was not stored as found: converted (kept, as RGB) or skipped (left out).
struct InputNote {
  std::string path;
  std::string reason;
};

// JPEGs that were stored with restart markers.
struct Transcoded {
  std::uint64_t samples = 0;
  std::uint64_t bytes_found = 0;   // of these samples before
  std::uint64_t bytes_stored = 0;  // and after, their offsets not counted
};

struct Manifest {
  std::uint32_t format_version = kShardFormatVersion;
  std::vector<std::string> classes;
  std::vector<std::uint64_t> counts;   // samples per class
  nlohmann::ordered_json packed_with;  // the options that decide the bytes
  std::vector<ShardEntry> shards;
  std::vector<InputNote> converted;
  std::vector<InputNote> skipped;
  std::uint64_t exif_oriented = 0;  // samples whose EXIF asks for a turn, which training ignores
  // Only in sets packed with --restart-index.
  std::optional<Transcoded> transcoded;
  // Only in sets packed with --encoding raw: samples stored smaller than found.
  std::optional<std::uint64_t> resampled;
  // Pictures that repeat another, as data_prep/duplicates.h writes them; null: nobody looked.
  nlohmann::ordered_json duplicates;
  std::string fingerprint;  // XXH3-128 over all of the above

  [[nodiscard]] std::uint64_t samples() const;
};

// As the manifest holds it. The second throws nlohmann's exceptions.
[[nodiscard]] nlohmann::ordered_json to_json(const ShardEntry& shard);
[[nodiscard]] ShardEntry shard_entry_from_json(const nlohmann::ordered_json& json);

[[nodiscard]] std::string compute_fingerprint(const Manifest& manifest);
[[nodiscard]] std::string to_json_text(const Manifest& manifest);
// Throws DataError: no manifest (not a packed set), unknown version, torn or edited text.
[[nodiscard]] Manifest read_manifest(const std::filesystem::path& directory);

}  // namespace ft
