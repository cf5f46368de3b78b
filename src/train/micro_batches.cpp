#include "ft/train/micro_batches.h"

#include <fmt/format.h>

#include "ft/base/error.h"

namespace ft {
namespace {

Share elastic_parts(const MicroBatchCut& cut) noexcept {
  return share_of(static_cast<std::uint64_t>(cut.elastic), static_cast<std::uint32_t>(cut.rank),
                  static_cast<std::uint32_t>(cut.world_size));
}

}  // namespace

int MicroBatchCut::micro_batches() const noexcept {
  return elastic > 0 ? static_cast<int>(elastic_parts(*this).count) : accumulate;
}

Share MicroBatchCut::part(std::uint64_t n, int micro) const noexcept {
  if (elastic > 0) {
    const std::uint64_t which = elastic_parts(*this).first + static_cast<std::uint64_t>(micro);
    return share_of(n, static_cast<std::uint32_t>(which), static_cast<std::uint32_t>(elastic));
  }
  const auto of_rank = [this](std::uint64_t count) {
    return share_of(count, static_cast<std::uint32_t>(rank), static_cast<std::uint32_t>(world_size));
  };
  const auto of_micro = [this, micro](std::uint64_t count) {
    return share_of(count, static_cast<std::uint32_t>(micro), static_cast<std::uint32_t>(accumulate));
  };
  const Share outer = parts_first ? of_micro(n) : of_rank(n);
  const Share inner = parts_first ? of_rank(outer.count) : of_micro(outer.count);
  return {outer.first + inner.first, inner.count};
}

std::uint64_t MicroBatchCut::largest(std::uint64_t n) const noexcept {
  // The first parts get the remainders.
  MicroBatchCut first = *this;
  first.rank = 0;
  return first.part(n, 0).count;
}

MicroBatchCut micro_batch_cut(const Config& config, int rank, int world_size) {
  if (const int parts = config.dist.elastic; parts > 0 && world_size > parts) {
    throw UsageError(fmt::format("{} ranks for the {} parts of dist.elastic", world_size, parts),
                     "start fewer ranks; another number of parts is another training");
  }
  return {rank, world_size, config.train.accumulate, config.dist.elastic,
          config.model.batch_norm == BatchNormMode::kSync};
}

Loader::Source micro_batch_source(const StepPlan& plan, MicroBatchCut cut, std::uint64_t first_step,
                                  std::uint64_t last_step) {
  return [&plan, cut, step = first_step, last_step, micro = 0,
          cursor = BatchCursor(plan)](BatchRequest& request) mutable {
    if (step > last_step) return false;
    const auto batch = micro == 0 ? cursor.batch(step) : cursor.latest();
    const Share part = cut.part(batch.size(), micro);
    const auto mine = batch.subspan(part.first, part.count);
    request.epoch = plan.position_of(step).epoch;
    request.sample_ids.assign(mine.begin(), mine.end());
    if (++micro == cut.micro_batches()) {
      micro = 0;
      ++step;
    }
    return true;
  };
}

}  // namespace ft
