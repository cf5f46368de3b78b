// What a start begins with: the model, and the checkpoint that it goes on from.
#pragma once

#include <cstdint>
#include <optional>

#include "ft/train/checkpoint.h"
#include "ft/train/prepared_model.h"
#include "ft/train/run_plan.h"
#include "ft/train/run_start.h"

#include "session.h"

namespace ft::app {

struct StartingPoint {
  std::optional<Checkpoint> checkpoint;  // where the start resumes
  PreparedModel model;

  [[nodiscard]] std::uint64_t steps_done() const { return checkpoint ? checkpoint->position.step : 0; }
};

// Loads the checkpoint or the weights file; not for a finished run, which needs neither. Collective; what it
// throws is known to all ranks, a weights file that differs between them included. Writes nothing.
[[nodiscard]] StartingPoint prepare_start(Session& session, const RunPlan& plan, const RunStart& start);

}  // namespace ft::app
