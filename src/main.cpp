// ft_dist: the one place that catches errors and decides how a process ends.
#include <algorithm>
#include <cstdio>
#include <iostream>

#include <fmt/format.h>

#include "ft/base/error.h"
#include "ft/base/host.h"
#include "ft/base/standard_output.h"
#include "ft/base/stop_signals.h"
#include "ft/comm/agreement.h"
#include "ft/comm/backends.h"
#include "ft/comm/liveness/liveness.h"
#include "ft/comm/mpi_abort.h"
#include "ft/comm/mpi_session.h"

#include "app/command_line.h"
#include "app/commands.h"

namespace {

using namespace ft;
using namespace ft::app;

int dispatch(Session& session) {
  switch (session.line.command) {
    case Command::kCheck:
      return check_command(session);
    case Command::kEval:
      return eval_command(session);
    case Command::kReplay:
      return replay_command(session);
    case Command::kBenchData:
      return bench_data_command(session);
    case Command::kBenchStep:
      return bench_step_command(session);
    case Command::kBenchComm:
      return bench_comm_command(session);
    case Command::kTrain:
      break;
  }
  return train_command(session);
}

int run(MpiSession& mpi, Liveness& liveness, StopSignals& signals, int argc, char** argv) {
  auto host = make_host_communicator(mpi);
  Parsed parsed;
  agree(*host, "reading the command line", [&] { parsed = parse_command_line(argc, argv); });
  if (!parsed.command) {
    if (host->rank() == 0) std::cout << parsed.text << std::flush;
    return 0;
  }
  if (parsed.command->command != Command::kTrain) signals.does(name_of(parsed.command->command));
  const auto session = open_session(mpi, liveness, signals, *parsed.command, std::move(host));
  const int code = dispatch(*session);
  if (session->context.is_root()) finish_standard_output();
  signals.done();
  return code;
}

void report(const std::string& who, const std::string& what, const std::string& hint) {
  const std::string line = fmt::format("ft_dist: error: {}{}{}{}\n", who, who.empty() ? "" : ": ", what,
                                       hint.empty() ? "" : fmt::format(" (hint: {})", hint));
  std::fputs(line.c_str(), stderr);
  std::fflush(stderr);
}

// "rank 1 on n0"
std::string rank_on_host(int rank) {
  return fmt::format("rank {} on {}", rank, host_name());
}

// Before MPI knows.
std::string this_rank() {
  try {
    return rank_on_host(launcher_environment().rank);
  } catch (const Error&) {
    return "a rank on " + host_name();
  }
}

// After an error that this rank has alone, and has said: the others may be waiting for it.
void end_the_others(MpiSession& mpi, Liveness& liveness, int code, const std::string& what) {
  if (liveness.watching()) liveness.leave_after_failure(code, what);
  mpi.abort(code);
}

// Who goes first when several ranks end at once: rank 0 speaks, and its word reaches the others meanwhile.
std::chrono::milliseconds in_turn(const MpiSession& mpi) {
  return std::chrono::milliseconds(std::min(mpi.rank() * 300, 1'500));
}

// Nearly always because a rank is gone, which the watchdog is about to find, even if it has to ask around.
void on_mpi_abort(const MpiSession& mpi, Liveness& liveness) {
  if (!liveness.watching()) return;
  if (liveness.lost_within(std::chrono::seconds(5) + in_turn(mpi))) liveness.leave_after_loss();
  const std::string what = "MPI gave up, though all ranks are still there: its own message is above";
  report(rank_on_host(mpi.rank()), what, "");
  liveness.leave_after_failure(static_cast<int>(ExitCode::kPeer), what);
}

int run_and_report(MpiSession& mpi, Liveness& liveness, StopSignals& signals, int argc, char** argv) {
  // What follows the loss of a rank is a consequence of it, whatever it looks like here. MPI may notice
  // before the watchdog does.
  const auto leave_if_lost = [&](std::chrono::milliseconds patience) {
    if (liveness.lost_within(patience)) liveness.leave_after_loss();
  };
  try {
    const int code = run(mpi, liveness, signals, argc, argv);
    signals.done();
    mpi.finalize();
    return code;
  } catch (const Error& error) {
    signals.done();
    const int code = static_cast<int>(error.code());
    // Waits of one operation end together.
    leave_if_lost(error.code() == ExitCode::kPeer ? std::chrono::seconds(1) + in_turn(mpi)
                                                  : std::chrono::seconds(0));
    if (!error.known_to_all() || mpi.rank() == 0) {
      report(error.names_its_ranks() ? "" : rank_on_host(mpi.rank()), error.what(), error.hint());
    }
    if (error.known_to_all()) {
      mpi.finalize();
    } else {
      end_the_others(mpi, liveness, code, error.what());
    }
    return code;
  } catch (const std::exception& error) {
    signals.done();
    leave_if_lost(std::chrono::seconds(0));
    report(rank_on_host(mpi.rank()), error.what(), "this is a bug in ft_dist");
    end_the_others(mpi, liveness, static_cast<int>(ExitCode::kBug), error.what());
    return static_cast<int>(ExitCode::kBug);
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    StopSignals signals(this_rank());
    MpiSession mpi(argc, argv);
    Liveness liveness(mpi.rank(), mpi.world_size());
    const MpiAbortHandler abort_handler([&] { on_mpi_abort(mpi, liveness); });
    signals.set_activity([activity = liveness.activity()] { return activity->report().to_string(); });
    return run_and_report(mpi, liveness, signals, argc, argv);
  } catch (const Error& error) {
    report(this_rank(), error.what(), error.hint());
    return static_cast<int>(error.code());
  } catch (const std::exception& error) {
    report(this_rank(), error.what(), "this is a bug in ft_dist");
    return static_cast<int>(ExitCode::kBug);
  }
}
