// Shard format version 1: names and constants that writer and readers share. docs/shard_format.md explains
// it.
#pragma once

#include <cstdint>
#include <string>

namespace ft {

inline constexpr const char* kShardFormat = "ft_dist shard";
inline constexpr std::uint32_t kShardFormatVersion = 1;
inline constexpr std::uint64_t kPayloadAlignment = 4096;
inline constexpr const char* kManifestName = "manifest.json";

// "shard-00002-of-00008.h5"
[[nodiscard]] std::string shard_file_name(std::uint32_t index, std::uint32_t count);

}  // namespace ft
