// `data.shuffle: shard`: an order of the samples for file systems that are slow at random reads. Shards come
// in random order, and samples are shuffled within a window of a few shards, so that few files are read at
// any time. Packing spreads the samples over the shards at random, so each window is a fair draw of the set.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "ft/data/packed_set.h"

namespace ft {

// Shards whose samples are mixed at a time.
inline constexpr std::uint32_t kShuffleWindow = 4;

// The samples to train on, by the file that they lie in.
struct ShardLayout {
  std::vector<std::uint64_t> rows;  // how many in each shard; 0 is fine
  // Of the `row`-th of them in a shard. Thread-safe.
  std::function<std::uint64_t(std::uint32_t shard, std::uint64_t row)> sample_id;

  [[nodiscard]] std::uint64_t samples() const noexcept;
};

// `ids`: which samples of the set, ascending; empty means all, and then costs no memory per sample.
[[nodiscard]] ShardLayout layout_of(std::shared_ptr<const PackedSet> set,
                                    const std::vector<std::uint64_t>& ids);

// One epoch's order: a pure function of layout, seed and epoch. O(shards) memory and time to make.
class ShardOrder {
 public:
  // `layout` must outlive it.
  ShardOrder(const ShardLayout& layout, std::uint64_t seed, std::uint32_t epoch);

  [[nodiscard]] std::uint32_t epoch() const noexcept { return epoch_; }
  // The sample id at `position` < layout.samples(), in O(log shards). Thread-safe.
  [[nodiscard]] std::uint64_t operator[](std::uint64_t position) const;

 private:
  struct Window {
    std::uint32_t number;
    std::uint64_t first, count;  // positions
  };
  // Which shard, in this epoch's order, has the position.
  [[nodiscard]] std::size_t turn_of(std::uint64_t position) const;
  [[nodiscard]] Window window_of(std::size_t turn) const;

  const ShardLayout* layout_;
  std::uint64_t seed_;
  std::uint32_t epoch_;
  std::uint32_t windows_;
  std::vector<std::uint32_t> shards_;  // in this epoch's order
  std::vector<std::uint64_t> begins_;  // the first position of each, and the end
};

}  // namespace ft
