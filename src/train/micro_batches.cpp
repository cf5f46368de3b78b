#include "ft/train/micro_batches.h"

namespace ft {

Share MicroBatchCut::part(std::uint64_t n, int micro) const noexcept {
  const Share mine = share_of(n, static_cast<std::uint32_t>(rank), static_cast<std::uint32_t>(world_size));
  const Share part =
      share_of(mine.count, static_cast<std::uint32_t>(micro), static_cast<std::uint32_t>(accumulate));
  return {mine.first + part.first, part.count};
}

std::uint64_t MicroBatchCut::largest(std::uint64_t n) const noexcept {
  // The first parts get the remainders.
  return MicroBatchCut{0, world_size, accumulate}.part(n, 0).count;
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
    if (++micro == cut.accumulate) {
      micro = 0;
      ++step;
    }
    return true;
  };
}

}  // namespace ft
