// Which samples make which step, and who gets them: pure arithmetic, the same on every rank.
//   epoch order = permutation(seed, epoch) over the samples, or over shards and then over samples within a
//   window of shards (shard_order.h); the last, short batch of an epoch is used;
//   a batch of n is cut contiguously over ranks, the first n mod world getting one more; so are
//   micro-batches.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "ft/data/shard_order.h"

namespace ft {

// The k-th of `parts` contiguous parts of n things.
struct Share {
  std::uint64_t first, count;
};
[[nodiscard]] Share share_of(std::uint64_t n, std::uint32_t part, std::uint32_t parts) noexcept;

// Where a run stands. `step` counts optimizer updates done.
struct StepPosition {
  std::uint32_t epoch;          // from 0
  std::uint64_t step_in_epoch;  // from 0
};

class StepPlan {
 public:
  // `ids`: the sample ids to train on, ascending; empty means 0 .. samples-1. UsageError when there is
  // nothing to train on or batch_size is 0.
  StepPlan(std::uint64_t samples, std::vector<std::uint64_t> ids, std::uint64_t batch_size,
           std::uint64_t seed);
  // The same in shard order, over the layout's samples.
  StepPlan(ShardLayout layout, std::uint64_t batch_size, std::uint64_t seed);

  [[nodiscard]] std::uint64_t samples() const noexcept { return samples_; }
  [[nodiscard]] std::uint64_t steps_per_epoch() const noexcept;
  // For the step that makes update number `step` (from 1).
  [[nodiscard]] StepPosition position_of(std::uint64_t step) const noexcept;
  // The sample ids of that step's global batch, in order.
  [[nodiscard]] std::vector<std::uint64_t> batch(std::uint64_t step) const;

 private:
  friend class BatchCursor;
  void check() const;

  std::uint64_t samples_;
  std::vector<std::uint64_t> ids_;
  std::uint64_t batch_size_;
  std::uint64_t seed_;
  std::optional<ShardLayout> layout_;
};

// Walks through a plan's batches, keeping its memory and what the batches of an epoch have in common. Any
// step may follow any other.
class BatchCursor {
 public:
  // `plan` must outlive it.
  explicit BatchCursor(const StepPlan& plan) : plan_(&plan) {}
  // As plan.batch(step); valid until the next call.
  [[nodiscard]] std::span<const std::uint64_t> batch(std::uint64_t step);
  // That of the latest call.
  [[nodiscard]] std::span<const std::uint64_t> latest() const noexcept { return batch_; }

 private:
  void fill_from_shards(std::uint32_t epoch, std::uint64_t first);

  const StepPlan* plan_;
  std::vector<std::uint64_t> batch_;
  std::optional<ShardOrder> order_;  // of the latest epoch
};

// `val: f`: the ids whose hash of (seed, id) falls under f, and the others. Both ascending. UsageError when f
// is outside [0, 1), or leaves a side without samples although f > 0.
struct ValSplit {
  std::vector<std::uint64_t> train, val;
};
[[nodiscard]] ValSplit split_by_hash(std::uint64_t samples, double fraction, std::uint64_t seed);

}  // namespace ft
