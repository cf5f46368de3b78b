// The requests that one rank's loader gets: for each step its share of the global batch, cut into
// `accumulate` parts; or, with `dist.elastic`, those of the batch's fixed parts that fall to it.
#pragma once

#include <cstdint>

#include "ft/config/config.h"
#include "ft/data/loader.h"
#include "ft/data/step_plan.h"

namespace ft {

struct MicroBatchCut {
  int rank = 0;
  int world_size = 1;
  int accumulate = 1;
  // 0, or into how many parts a batch is cut whatever the world size; a rank runs a range of them, in order.
  int elastic = 0;
  // Whether the batch is cut into `accumulate` parts before each is dealt out, and not each rank's share:
  // then a part is the same images whatever the world size, as it must be where they are normalised together.
  bool parts_first = false;

  // How many parts this rank runs in a step, empty ones included.
  [[nodiscard]] int micro_batches() const noexcept;
  // This rank's part `micro` of a global batch of n.
  [[nodiscard]] Share part(std::uint64_t n, int micro) const noexcept;
  // The largest part of a global batch of n on any rank.
  [[nodiscard]] std::uint64_t largest(std::uint64_t n) const noexcept;
};

// As the config wants it cut. UsageError when there are more ranks than elastic parts.
[[nodiscard]] MicroBatchCut micro_batch_cut(const Config& config, int rank, int world_size);

// Exactly micro_batches() requests a step, empty ones included, for the steps first_step .. last_step. `plan`
// must outlive the source.
[[nodiscard]] Loader::Source micro_batch_source(const StepPlan& plan, MicroBatchCut cut,
                                                std::uint64_t first_step, std::uint64_t last_step);

}  // namespace ft
