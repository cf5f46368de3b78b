#include "cross_checks.h"

#include <algorithm>
#include <functional>
#include <string>
#include <tuple>

#include <fmt/format.h>

#include "ft/base/error.h"

namespace ft {
namespace {

// A complaint about `key`, at the place where it was given or, when it is at its default, where `partner`
// was.
[[noreturn]] void refuse_together(const Origins& origins, const std::string& key, const std::string& partner,
                                  const std::string& why, const std::string& hint) {
  auto origin = origins.find(key);
  if (origin == origins.end()) origin = origins.find(partner);
  const std::string where = origin == origins.end() ? "" : origin->second + ": ";
  throw UsageError(fmt::format("{}{}: {}", where, key, why), hint);
}

}  // namespace

void check_keys_together(const Config& config, const Origins& origins) {
  const auto& [accumulate, batch_size] = std::tie(config.train.accumulate, config.train.batch_size);
  if (accumulate > batch_size) {
    refuse_together(origins, "train.accumulate", "train.batch_size",
                    fmt::format("a batch of {} cannot be cut into {} parts", batch_size, accumulate),
                    "train.accumulate cuts train.batch_size, it does not enlarge it");
  }

  const auto& epochs = config.optimizer.step_epochs;
  const bool ascending =
      std::adjacent_find(epochs.begin(), epochs.end(), std::greater_equal<>()) == epochs.end();
  if (!ascending) {
    refuse_together(origins, "optimizer.step_epochs", "", "the epochs must ascend",
                    "for example [30, 60, 90]");
  }
  if (config.optimizer.schedule == ScheduleKind::kStep && epochs.empty()) {
    refuse_together(origins, "optimizer.schedule", "", "step needs optimizer.step_epochs",
                    "for example step_epochs: [30, 60, 90]");
  }

  if (config.dist.backend == BackendChoice::kNccl && config.run.device == DeviceChoice::kCpu) {
    refuse_together(origins, "dist.backend", "run.device", "nccl needs GPUs, but run.device is cpu",
                    "dist.backend: auto picks what the devices need");
  }
}

}  // namespace ft
