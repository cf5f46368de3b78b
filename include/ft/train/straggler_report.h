// Telling the user of a rank that holds up all others.
#pragma once

#include <cstdint>

#include "ft/comm/liveness/straggler.h"
#include "ft/train/rank_context.h"
#include "ft/train/step_runner.h"

namespace ft {

class StragglerReport {
 public:
  static constexpr std::uint64_t kStretch = 50;  // steps

  explicit StragglerReport(const RankContext& context) : context_(&context) {}

  // After each step, on every rank. Every kStretch steps the ranks compare the time that each spent on its
  // own work, and rank 0 logs who is far behind. Collective.
  void after_step(const StepShare& mine);

 private:
  const RankContext* context_;
  StragglerWatch watch_;  // rank 0
  RankPace pace_;
  std::uint64_t steps_ = 0;
};

}  // namespace ft
