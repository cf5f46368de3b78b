#include "ft/data/shard_order.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "ft/base/permutation.h"
#include "ft/base/philox.h"
#include "ft/data/step_plan.h"

namespace ft {
namespace {

// A seed for each window of each epoch.
std::uint64_t window_seed(std::uint64_t seed, std::uint32_t epoch, std::uint32_t window) {
  RandomStream random(seed, RandomUse::kShardWindow, epoch, window);
  const std::uint64_t upper = random.next_u32();
  return upper << 32 | random.next_u32();
}

}  // namespace

std::uint64_t ShardLayout::samples() const noexcept {
  return std::accumulate(rows.begin(), rows.end(), std::uint64_t{0});
}

ShardLayout layout_of(std::shared_ptr<const PackedSet> set, const std::vector<std::uint64_t>& ids) {
  ShardLayout layout;
  const std::vector<ShardEntry>& shards = set->manifest().shards;
  if (ids.empty()) {
    for (const ShardEntry& shard : shards) layout.rows.push_back(shard.samples);
    layout.sample_id = [set = std::move(set)](std::uint32_t shard, std::uint64_t row) {
      return set->sample_id_at(shard, row);
    };
    return layout;
  }
  std::vector<std::vector<std::uint64_t>> by_shard(shards.size());
  for (const std::uint64_t id : ids) by_shard[set->info(id).shard].push_back(id);
  for (const auto& members : by_shard) layout.rows.push_back(members.size());
  layout.sample_id = [by_shard = std::move(by_shard)](std::uint32_t shard, std::uint64_t row) {
    return by_shard[shard][row];
  };
  return layout;
}

ShardOrder::ShardOrder(const ShardLayout& layout, std::uint64_t seed, std::uint32_t epoch)
    : layout_(&layout),
      seed_(seed),
      epoch_(epoch),
      windows_(static_cast<std::uint32_t>((layout.rows.size() + kShuffleWindow - 1) / kShuffleWindow)) {
  const Permutation order(layout.rows.size(), seed, RandomUse::kShardOrder, epoch);
  shards_.reserve(layout.rows.size());
  begins_.reserve(layout.rows.size() + 1);
  begins_.push_back(0);
  for (std::size_t turn = 0; turn < layout.rows.size(); ++turn) {
    shards_.push_back(static_cast<std::uint32_t>(order[turn]));
    begins_.push_back(begins_.back() + layout.rows[shards_.back()]);
  }
}

std::size_t ShardOrder::turn_of(std::uint64_t position) const {
  // The last that begins there: the ones before it have no samples.
  const auto after = std::upper_bound(begins_.begin(), begins_.end(), position);
  return static_cast<std::size_t>(after - begins_.begin()) - 1;
}

// Windows differ by one shard at most, as share_of cuts: a last one of a single shard would mix badly.
ShardOrder::Window ShardOrder::window_of(std::size_t turn) const {
  const std::uint64_t shards = shards_.size();
  const std::uint64_t smaller = shards / windows_;
  const std::uint64_t in_larger = shards % windows_ * (smaller + 1);
  const std::uint64_t number =
      turn < in_larger ? turn / (smaller + 1) : shards % windows_ + (turn - in_larger) / smaller;
  const auto window = static_cast<std::uint32_t>(number);
  const Share turns = share_of(shards, window, windows_);
  const std::uint64_t first = begins_[turns.first];
  return {window, first, begins_[turns.first + turns.count] - first};
}

std::uint64_t ShardOrder::operator[](std::uint64_t position) const {
  const Window window = window_of(turn_of(position));
  const Permutation within(window.count, window_seed(seed_, epoch_, window.number), RandomUse::kShardWindow,
                           epoch_);
  const std::uint64_t place = window.first + within[position - window.first];
  const std::size_t turn = turn_of(place);
  return layout_->sample_id(shards_[turn], place - begins_[turn]);
}

}  // namespace ft
