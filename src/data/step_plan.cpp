#include "ft/data/step_plan.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "ft/base/error.h"
#include "ft/base/permutation.h"
#include "ft/base/philox.h"

namespace ft {

Share share_of(std::uint64_t n, std::uint32_t part, std::uint32_t parts) noexcept {
  const std::uint64_t base = n / parts;
  const std::uint64_t larger = n % parts;
  return {base * part + std::min<std::uint64_t>(part, larger), base + (part < larger ? 1 : 0)};
}

StepPlan::StepPlan(std::uint64_t samples, std::vector<std::uint64_t> ids, std::uint64_t batch_size,
                   std::uint64_t seed)
    : samples_(ids.empty() ? samples : ids.size()),
      ids_(std::move(ids)),
      batch_size_(batch_size),
      seed_(seed) {
  check();
}

StepPlan::StepPlan(ShardLayout layout, std::uint64_t batch_size, std::uint64_t seed)
    : samples_(layout.samples()), batch_size_(batch_size), seed_(seed), layout_(std::move(layout)) {
  check();
}

void StepPlan::check() const {
  if (samples_ == 0) throw UsageError("there is no sample to train on");
  if (batch_size_ == 0) throw UsageError("train.batch_size is 0", "set it to 1 or more");
}

std::uint64_t StepPlan::steps_per_epoch() const noexcept {
  return (samples_ - 1) / batch_size_ + 1;
}

StepPosition StepPlan::position_of(std::uint64_t step) const noexcept {
  const std::uint64_t done = step - 1;
  return {static_cast<std::uint32_t>(done / steps_per_epoch()), done % steps_per_epoch()};
}

std::vector<std::uint64_t> StepPlan::batch(std::uint64_t step) const {
  BatchCursor cursor(*this);
  const auto ids = cursor.batch(step);
  return {ids.begin(), ids.end()};
}

std::span<const std::uint64_t> BatchCursor::batch(std::uint64_t step) {
  const auto [epoch, step_in_epoch] = plan_->position_of(step);
  const std::uint64_t first = step_in_epoch * plan_->batch_size_;
  batch_.resize(std::min(plan_->batch_size_, plan_->samples_ - first));
  if (plan_->layout_) {
    fill_from_shards(epoch, first);
    return batch_;
  }
  const Permutation order(plan_->samples_, plan_->seed_, RandomUse::kEpochOrder, epoch);
  for (std::uint64_t i = 0; i < batch_.size(); ++i) {
    const std::uint64_t index = order[first + i];
    batch_[i] = plan_->ids_.empty() ? index : plan_->ids_[index];
  }
  return batch_;
}

void BatchCursor::fill_from_shards(std::uint32_t epoch, std::uint64_t first) {
  if (!order_ || order_->epoch() != epoch) order_.emplace(*plan_->layout_, plan_->seed_, epoch);
  for (std::uint64_t i = 0; i < batch_.size(); ++i) batch_[i] = (*order_)[first + i];
}

ValSplit split_by_hash(std::uint64_t samples, double fraction, std::uint64_t seed) {
  if (!(fraction >= 0 && fraction < 1)) {
    throw UsageError(fmt::format("data.val is {}: a fraction lies in [0, 1)", fraction));
  }
  ValSplit split;
  for (std::uint64_t id = 0; id < samples; ++id) {
    RandomStream random(seed, RandomUse::kValSplit, 0, static_cast<std::uint32_t>(id));
    (random.next_double() < fraction ? split.val : split.train).push_back(id);
  }
  if (fraction > 0 && (split.train.empty() || split.val.empty())) {
    throw UsageError(fmt::format("data.val {} of {} samples leaves {} for training and {} for validation",
                                 fraction, samples, split.train.size(), split.val.size()),
                     "choose another fraction, or give data.val a packed set of its own");
  }
  return split;
}

}  // namespace ft
