// Writes one shard, format version 1. The bytes of the file are a function of the arguments alone.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ft/base/file.h"
#include "ft/base/hash.h"
#include "ft/data/manifest.h"
#include "ft/data/shard_format.h"

namespace ft {

// What a shard holds besides the payload.
struct ShardRows {
  ShardTables tables;
  std::string source;
  std::vector<std::uint64_t> source_offset;
  std::vector<std::uint64_t> source_xxh3;
  // /restart_index, one entry more than rows. Empty: the set has no restart index.
  std::vector<std::uint64_t> restart_index;

  [[nodiscard]] std::uint64_t restart_offsets() const {
    return restart_index.empty() ? 0 : restart_index.back();
  }
};

struct ShardPlace {
  std::uint32_t index = 0;
  std::uint32_t count = 1;
};

// Of all that decides the bytes of a shard, HDF5's version included: the rows hold the hash of each payload,
// and a payload's restart offsets follow from it.
[[nodiscard]] std::string hash_of_shard_source(ShardPlace place, const std::vector<std::string>& classes,
                                               const ShardRows& rows);

// Creates a file that is like the shard but for what its tables say, with room for the payload, which begins
// at the returned place. Throws DataError.
[[nodiscard]] std::uint64_t lay_out_shard(const std::filesystem::path& path, ShardPlace place,
                                          const std::vector<std::string>& classes, const ShardRows& rows);

// The whole payload of a shard in a file of lay_out_shard.
struct EarlyPayload {
  std::filesystem::path file;
  std::uint64_t begin;
};

// Bytes that go straight to their place in a file that HDF5 has laid out, front to back.
class ColumnWriter {
 public:
  ColumnWriter(const std::filesystem::path& path, std::uint64_t begin, std::uint64_t bytes);

  void append(std::span<const std::byte> bytes);
  // Call once, when all is there. Throws what the system reports late.
  void close();

 private:
  std::filesystem::path path_;
  UniqueFd fd_;
  std::uint64_t at_;       // in the file
  std::uint64_t handed_;   // up to where the disk was asked to write
  std::uint64_t missing_;  // bytes still to come
};

// HDF5 lays the file out and writes the tables; what is too large for memory then goes straight to its place.
class ShardWriter {
 public:
  // Creates the file in `directory` with all but the payload and the restart offsets. Where the payload is
  // there `early`, that file becomes the shard, under both names, if the file system can do that. Throws
  // DataError, as all of it does.
  ShardWriter(const std::filesystem::path& directory, ShardPlace place,
              const std::vector<std::string>& classes, const ShardRows& rows,
              const std::optional<EarlyPayload>& early = {});

  // Nothing is to be appended then.
  [[nodiscard]] bool has_payload() const noexcept { return !payload_; }
  // The payload, front to back, cut anywhere.
  void append(std::span<const std::byte> bytes);
  // /restart_offset, likewise: little-endian uint32.
  void append_restart_offsets(std::span<const std::byte> bytes) { restart_offset_->append(bytes); }
  // Call once, when both are complete.
  [[nodiscard]] ShardEntry finish();

 private:
  [[nodiscard]] bool take(const EarlyPayload& early);

  std::filesystem::path path_;
  ShardEntry entry_;
  std::optional<ColumnWriter> payload_;
  std::optional<ColumnWriter> restart_offset_;
  std::optional<Xxh3Stream> hash_;  // of the file so far, where all that lies before the payload is there
};

}  // namespace ft
