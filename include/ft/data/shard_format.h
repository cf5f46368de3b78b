// Shard format version 1: names and constants that writer and readers share. docs/shard_format.md explains
// it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "ft/data/codec.h"

namespace ft {

inline constexpr const char* kShardFormat = "ft_dist shard";
inline constexpr std::uint32_t kShardFormatVersion = 1;
inline constexpr std::uint64_t kPayloadAlignment = 4096;
inline constexpr const char* kManifestName = "manifest.json";

// A sample id must fit the 32 bits that the random number counters give it.
inline constexpr std::uint64_t kMaxSamples = 0xffff'ffffULL;

namespace shard_attribute {
inline constexpr const char* kFormat = "format";
inline constexpr const char* kFormatVersion = "format_version";
inline constexpr const char* kShardIndex = "shard_index";
inline constexpr const char* kShardCount = "shard_count";
}  // namespace shard_attribute

namespace shard_dataset {
inline constexpr const char* kPayload = "payload";
inline constexpr const char* kOffset = "offset";
inline constexpr const char* kLabel = "label";
inline constexpr const char* kWidth = "width";
inline constexpr const char* kHeight = "height";
inline constexpr const char* kCodec = "codec";
inline constexpr const char* kXxh3 = "xxh3";
inline constexpr const char* kSampleId = "sample_id";
inline constexpr const char* kSource = "source";
inline constexpr const char* kSourceOffset = "source_offset";
inline constexpr const char* kSourceXxh3 = "source_xxh3";
inline constexpr const char* kClasses = "classes";
// Both or neither; only in sets packed with --restart-index.
inline constexpr const char* kRestartOffset = "restart_offset";
inline constexpr const char* kRestartIndex = "restart_index";
}  // namespace shard_dataset

// The tables that training needs, one entry a row; `offset` has one more.
struct ShardTables {
  std::vector<std::uint64_t> offset;
  std::vector<std::int32_t> label;
  std::vector<std::uint32_t> width, height;
  std::vector<std::uint8_t> codec;
  std::vector<std::uint64_t> xxh3;
  std::vector<std::uint64_t> sample_id;

  [[nodiscard]] std::size_t rows() const noexcept { return label.size(); }
};

// XXH3-128 over the little-endian bytes of the tables, in the order above. The manifest keeps it, so that a
// flipped bit in a label, or a shard of another set, is found at open without reading the payload.
[[nodiscard]] std::string hash_of_tables(const ShardTables& tables);

// "shard-00002-of-00008.h5"
[[nodiscard]] std::string shard_file_name(std::uint32_t index, std::uint32_t count);

// "jpeg", "png", "raw"; "unknown" for anything else.
[[nodiscard]] const char* codec_name(Codec codec) noexcept;

}  // namespace ft
