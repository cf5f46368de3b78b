// How a start of `ft_dist train` relates to what its run directory holds: new, to be continued, or finished.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "ft/config/config.h"
#include "ft/train/run_directory.h"
#include "ft/train/run_plan.h"

namespace ft {

enum class StartKind { kFresh, kResume, kFinished };

// Decided by rank 0 alone (ranks could see different moments of the directory), told to the others as text.
struct RunStart {
  StartKind kind = StartKind::kFresh;
  std::uint32_t incarnation = 1;
  std::filesystem::path checkpoint;  // kResume
  std::vector<std::string> closing;  // kFinished: the four lines of then
  std::vector<std::string> remarks;  // for the log: checkpoints skipped, and why

  [[nodiscard]] std::string to_text() const;
  [[nodiscard]] static RunStart from_text(const std::string& text);
};

// Facts of a run that a checkpoint records; those under "must_match" decide whether it may be resumed.
[[nodiscard]] std::string data_identity(const RunPlan& plan);

// UsageError when the directory holds what no run of ours makes.
void require_own(const RunDirectory& directory);

// Follows checkpoint.resume: auto, never (a new incarnation from step 0), or a path for a new run.
// UsageError: a config or data that do not match what was trained (every difference listed). DataError: no
// checkpoint verifies, or a run that should go on has lost its own.
[[nodiscard]] RunStart decide_start(const Config& config, const RunPlan& plan, const RunDirectory& directory);

}  // namespace ft
