// One function a subcommand. Each is collective, returns this rank's exit code, and prints results on rank
// 0's stdout.
#pragma once

#include "session.h"

namespace ft::app {

[[nodiscard]] int train_command(Session& session);
[[nodiscard]] int check_command(Session& session);
// The verdict of a check that failed, on the stdout of the rank that can tell: rank 0. One that a signal or
// the loss of a rank ends has none: it is not the settings that were found wanting.
void print_not_ready(const std::string& why);
[[nodiscard]] int eval_command(Session& session);
[[nodiscard]] int replay_command(Session& session);
[[nodiscard]] int bench_data_command(Session& session);
[[nodiscard]] int bench_step_command(Session& session);
[[nodiscard]] int bench_comm_command(Session& session);

}  // namespace ft::app
