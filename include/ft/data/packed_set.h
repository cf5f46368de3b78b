// A packed set, open for reading. HDF5 is used at open only: afterwards a sample is an offset into a file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ft/data/codec.h"
#include "ft/data/manifest.h"

namespace ft {

// What the tables say of one sample.
struct SampleInfo {
  std::uint64_t sample_id;
  std::uint32_t shard;
  std::uint64_t row;
  std::int32_t label;
  std::uint32_t width, height;
  Codec codec;
  std::uint64_t payload_bytes;
  std::uint64_t xxh3;
};

// Immutable after open; every const member is thread-safe.
class PackedSet {
 public:
  // Checks the manifest, each shard's version, size and tables (not the payload: read() and ft_pack verify
  // do). DataError names the file and what is wrong with it.
  explicit PackedSet(const std::filesystem::path& directory);
  PackedSet(PackedSet&&) noexcept;
  PackedSet& operator=(PackedSet&&) noexcept;
  ~PackedSet();

  [[nodiscard]] const std::filesystem::path& directory() const noexcept;
  [[nodiscard]] const Manifest& manifest() const noexcept;
  // Samples have the ids 0 .. size()-1.
  [[nodiscard]] std::uint64_t size() const noexcept;
  [[nodiscard]] const std::vector<std::string>& classes() const noexcept;
  [[nodiscard]] const std::string& fingerprint() const noexcept;

  [[nodiscard]] SampleInfo info(std::uint64_t sample_id) const;
  // The other way round: which sample is in that place. `row` < manifest().shards[shard].samples.
  [[nodiscard]] std::uint64_t sample_id_at(std::uint32_t shard, std::uint64_t row) const;
  // The path it was packed from, relative to SRC ("images.idx[17]" for IDX).
  [[nodiscard]] std::string source(std::uint64_t sample_id) const;
  // "sample 17 (shard-00000-of-00002.h5 row 5, ants/a b.jpg)": how errors name a sample.
  [[nodiscard]] std::string describe(std::uint64_t sample_id) const;

  // The stored bytes, hash checked; `buffer` is reused and may be the storage of the result, which is valid
  // until the next call with that buffer. DataError names shard, sample and source path.
  [[nodiscard]] std::span<const std::byte> read(std::uint64_t sample_id,
                                                std::vector<std::byte>& buffer) const;
  // Asks the kernel to fetch a sample's bytes soon. A hint: unknown ids and refusals are passed over.
  void prefetch(std::uint64_t sample_id) const noexcept;

  // Whether the set was packed with --restart-index.
  [[nodiscard]] bool has_restart_index() const noexcept;
  // Where in the sample's stored bytes each restart interval's entropy-coded data begins, in order; empty
  // when the sample has none. `buffer` as above. The offsets ascend within the payload (DataError otherwise,
  // naming shard and row), but no hash covers them until ft_pack verify: look for the marker in front of each
  // that you use.
  [[nodiscard]] std::span<const std::uint32_t> read_restart_offsets(std::uint64_t sample_id,
                                                                    std::vector<std::uint32_t>& buffer) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ft
