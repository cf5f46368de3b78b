// Writes one shard, format version 1. The bytes of the file are a function of the arguments alone.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "ft/base/file.h"
#include "ft/data/manifest.h"
#include "ft/data/shard_format.h"

namespace ft {

// What a shard holds besides the payload.
struct ShardRows {
  ShardTables tables;
  std::string source;
  std::vector<std::uint64_t> source_offset;
  std::vector<std::uint64_t> source_xxh3;
};

struct ShardPlace {
  std::uint32_t index = 0;
  std::uint32_t count = 1;
};

// HDF5 lays the file out and writes the tables; the payload then goes straight to its place.
class ShardWriter {
 public:
  // Creates the file in `directory` with all but the payload. Throws DataError, as all of it does.
  ShardWriter(const std::filesystem::path& directory, ShardPlace place,
              const std::vector<std::string>& classes, const ShardRows& rows);

  // The payload, front to back, cut anywhere.
  void append(std::span<const std::byte> bytes);
  // Call once, when the payload is complete.
  [[nodiscard]] ShardEntry finish();

 private:
  std::filesystem::path path_;
  ShardEntry entry_;
  std::uint64_t missing_;  // payload bytes still to come
  UniqueFd fd_;
};

}  // namespace ft
