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

// What would make the bits depend on the number of ranks, or would be no part of its sums.
void check_elastic(const Config& config, const Origins& origins) {
  const int parts = config.dist.elastic;
  if (parts == 0) return;
  if (parts > config.train.batch_size) {
    refuse_together(origins, "dist.elastic", "train.batch_size",
                    fmt::format("a batch of {} cannot be cut into {} parts", config.train.batch_size, parts),
                    "dist.elastic cuts train.batch_size");
  }
  const auto refuse = [&](const std::string& key, const std::string& value, const std::string& hint) {
    refuse_together(origins, key, "dist.elastic",
                    fmt::format("{} does not go together with dist.elastic: {}", value, parts), hint);
  };
  if (config.train.accumulate > 1) {
    refuse("train.accumulate", fmt::format("{}", config.train.accumulate),
           "dist.elastic cuts the batch already; more parts need less memory");
  }
  if (config.dist.gradient_dtype == GradientDtype::kBf16) {
    refuse("dist.gradient_dtype", "bf16", "elastic gradients travel as whole numbers: leave it at fp32");
  }
  if (config.model.batch_norm == BatchNormMode::kSync) {
    refuse("model.batch_norm", "sync", "each part is normalised by itself: local, or frozen");
  }
  if (config.train.precision == Precision::kTf32) {
    refuse("train.precision", "tf32", "use fp32 or bf16");
  }
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

  check_elastic(config, origins);

  if (config.dist.backend == BackendChoice::kNccl && config.run.device == DeviceChoice::kCpu) {
    refuse_together(origins, "dist.backend", "run.device", "nccl needs GPUs, but run.device is cpu",
                    "dist.backend: auto picks what the devices need");
  }
}

}  // namespace ft
