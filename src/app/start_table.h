// What every run prints before it starts, on rank 0's stderr: settings, ranks, data, model, steps.
#pragma once

#include "ft/train/prepared_model.h"
#include "ft/train/run_plan.h"
#include "ft/train/run_start.h"

#include "session.h"

namespace ft::app {

// Rank -> host -> device -> cores, and what is odd about them. Nothing on ranks other than 0.
void print_ranks(const Session& session);
void print_settings(const Session& session);
void print_data(const Session& session, const RunPlan& plan);
void print_start_table(const Session& session, const RunPlan& plan, const PreparedModel& model,
                       const RunStart& start);
// "ready: 4 ranks on 2 hosts, ...": the last line before the first step, once nothing is left that could
// fail.
void print_ready(const Session& session, const RunPlan& plan, const RunStart& start,
                 std::uint64_t steps_done);

// Adds what share_warnings() says to the session's warnings, and rank 0 says it.
void warn_of_shares(Session& session, std::uint64_t samples);

}  // namespace ft::app
