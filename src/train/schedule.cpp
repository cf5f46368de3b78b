#include "ft/train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace ft {
namespace {

double cosine_factor(std::uint64_t warmup, std::uint64_t total, std::uint64_t step) {
  if (total <= warmup) return 1;
  const double done = static_cast<double>(step - warmup - 1) / static_cast<double>(total - warmup);
  return (1 + std::cos(std::numbers::pi * std::min(done, 1.0))) / 2;
}

double step_factor(const OptimizerConfig& config, std::uint64_t steps_per_epoch, std::uint64_t step) {
  const std::uint64_t epoch = (step - 1) / steps_per_epoch;
  const auto begun =
      std::count_if(config.step_epochs.begin(), config.step_epochs.end(),
                    [epoch](int boundary) { return static_cast<std::uint64_t>(boundary) <= epoch; });
  return std::pow(config.step_factor, static_cast<double>(begun));
}

}  // namespace

double learning_rate(const OptimizerConfig& config, ScheduleSpan span, std::uint64_t step) {
  const auto warmup = static_cast<std::uint64_t>(config.warmup_steps);
  if (step <= warmup) return config.lr * static_cast<double>(step) / static_cast<double>(warmup);
  switch (config.schedule) {
    case ScheduleKind::kCosine:
      return config.lr * cosine_factor(warmup, span.total_steps, step);
    case ScheduleKind::kStep:
      return config.lr * step_factor(config, span.steps_per_epoch, step);
    case ScheduleKind::kConstant:
      break;
  }
  return config.lr;
}

}  // namespace ft
