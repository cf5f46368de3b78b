// The learning rate as a pure function of the step: nothing to save, nothing to restore.
#pragma once

#include <cstdint>

#include "ft/config/config.h"

namespace ft {

// What a schedule needs to know of the run. `total_steps` is that of all epochs, whatever train.max_steps
// says.
struct ScheduleSpan {
  std::uint64_t steps_per_epoch;
  std::uint64_t total_steps;
};

// The body's learning rate for update number `step` (from 1); the head's is head_lr_factor times that.
//   warm-up:  lr * step / warmup_steps while step <= warmup_steps (Goyal et al. 2017)
//   constant: lr
//   cosine:   lr * (1 + cos(pi * t)) / 2, t = progress from the end of warm-up to total_steps, 0 at its first
//   step
//             (Loshchilov and Hutter 2017, without restarts)
//   step:     lr * step_factor ^ (how many of step_epochs have begun)
[[nodiscard]] double learning_rate(const OptimizerConfig& config, ScheduleSpan span, std::uint64_t step);

}  // namespace ft
