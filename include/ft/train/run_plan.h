// The data of a run and the steps it will take, checked before anything expensive starts.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ft/config/config.h"
#include "ft/data/loader.h"
#include "ft/data/packed_set.h"
#include "ft/data/step_plan.h"

namespace ft {

struct RunPlan {
  std::shared_ptr<const PackedSet> train;
  std::shared_ptr<const PackedSet> test;  // null: no test set
  std::shared_ptr<const PackedSet> val;   // null: no validation; the same object as `train` for a split
  std::vector<std::uint64_t> val_ids;     // the split's ids; empty: all of `val`
  StepPlan steps;
  std::uint64_t total_steps = 0;  // of all epochs
  std::uint64_t target_step = 0;  // where this run stops: max_steps or total_steps

  [[nodiscard]] const std::vector<std::string>& classes() const noexcept { return train->classes(); }
  // Of all sets, in order, for resume and for the comparison between ranks.
  [[nodiscard]] std::string data_fingerprint() const;
};

// Opens the sets. DataError: not packed, damaged, class lists that differ. UsageError: no data.train, a batch
// smaller than the world, more ranks than samples or elastic parts, a validation split that leaves nothing.
[[nodiscard]] RunPlan make_run_plan(const Config& config, int world_size);

// The transform and loader settings that the config asks for. `max_batch` and `workers` are left to the
// caller.
[[nodiscard]] TransformOptions transform_options(const DataConfig& config);
[[nodiscard]] LoaderOptions training_loader_options(const Config& config);

}  // namespace ft
