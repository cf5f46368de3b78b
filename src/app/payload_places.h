// Where each sample's bytes lie, asked of plain HDF5 calls: the yardstick for reading shares no code with
// what it measures.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ft/base/file.h"
#include "ft/data/packed_set.h"

namespace ft::app {

struct PayloadPlace {
  int fd;
  std::uint32_t shard;
  std::uint64_t offset;  // in the file
  std::uint64_t bytes;
};

// Opens every shard once more. `set` must outlive it. DataError when HDF5 cannot tell.
class PayloadPlaces {
 public:
  explicit PayloadPlaces(const PackedSet& set);

  [[nodiscard]] PayloadPlace of(std::uint64_t sample_id) const;
  // Into the front of `buffer`, which must be large enough.
  void read(const PayloadPlace& place, std::vector<std::byte>& buffer) const;

 private:
  struct Shard {
    std::filesystem::path path;
    UniqueFd fd;
    std::uint64_t payload_begin;
    std::vector<std::uint64_t> offset;
  };
  static Shard open_shard(const std::filesystem::path& path);

  const PackedSet& set_;
  std::vector<Shard> shards_;
};

}  // namespace ft::app
