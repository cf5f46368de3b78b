// ft_dist: the one place that catches errors and decides how a process ends.
#include <algorithm>
#include <iostream>
#include <utility>

#include <fmt/format.h>

#include "ft/base/direct_write.h"
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
#include "app/same_on_all_ranks.h"

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

// A check that fails has a verdict for stdout, too, whatever it fails of: one, and none after "ready". One
// that a signal ends, or the watchdog at the loss of a rank, ends without.
class Verdict {
 public:
  Verdict(int argc, char** argv) : argc_(argc), argv_(argv) {}

  void given() { given_ = true; }
  void not_ready(const std::string& why) {
    if (std::exchange(given_, true)) return;
    if (command_asked_for(argc_, argv_) == Command::kCheck) print_not_ready(why);
  }

 private:
  int argc_;
  char** argv_;
  bool given_ = false;
};

int run(MpiSession& mpi, Liveness& liveness, StopSignals& signals, Verdict& verdict, int argc, char** argv) {
  auto host = make_host_communicator(mpi);
  // First, since another program may know other options and another config.
  require_same_program(*host);
  Parsed parsed;
  agree(*host, "reading the command line", [&] { parsed = parse_command_line(argc, argv); });
  if (!parsed.command) {
    if (host->rank() == 0) std::cout << parsed.text << std::flush;
    return 0;
  }
  if (parsed.command->command != Command::kTrain) signals.does(name_of(parsed.command->command));
  const auto session = open_session(mpi, liveness, signals, *parsed.command, std::move(host));
  const int code = dispatch(*session);
  verdict.given();
  if (session->context.is_root()) finish_standard_output();
  signals.done();
  return code;
}

// Whether it could be said.
bool report(const std::string& who, const std::string& what, const std::string& hint) {
  return write_to_stderr(fmt::format("ft_dist: error: {}{}{}{}\n", who, who.empty() ? "" : ": ", what,
                                     hint.empty() ? "" : fmt::format(" (hint: {})", hint)));
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

// Without MPI each process is a world of its own: who is the first, only the launcher knows, and where it
// makes no sense, nobody.
bool is_first() {
  try {
    return launcher_environment().rank == 0;
  } catch (const Error&) {
    return true;
  }
}

// After an error that this rank has alone: the others may be waiting for it.
void end_the_others(MpiSession& mpi, Liveness& liveness, int code, const std::string& what, bool said) {
  if (liveness.watching()) liveness.leave_after_failure(code, what, said);
  mpi.abort(code);
}

// Who goes first when several ranks end at once: rank 0 speaks, and its word reaches the others meanwhile.
std::chrono::milliseconds in_turn(const MpiSession& mpi) {
  return std::chrono::milliseconds(std::min(mpi.rank() * 300, 1'500));
}

// When the ranks of one host do: the launcher may be about to kill those of the others.
std::chrono::milliseconds in_turn_here(const MpiSession& mpi) {
  return std::chrono::milliseconds(std::min(mpi.launcher().local_rank * 300, 900));
}

// Note [MPI gives up]
void on_mpi_abort(const MpiSession& mpi, Liveness& liveness, StopSignals& signals, AbortOrigin origin) {
  constexpr std::chrono::milliseconds kPatienceForNews{300};
  const bool in_a_call = origin == AbortOrigin::kCall;
  if (in_a_call && !liveness.watching()) return;
  const auto patience =
      in_a_call ? liveness.verdict_within() + in_turn(mpi) : kPatienceForNews + in_turn_here(mpi);
  if (liveness.lost_within(patience)) liveness.leave_after_loss();
  signals.fail(static_cast<int>(ExitCode::kPeer),
               in_a_call
                   ? "MPI gave up, though no rank is known to be gone (its own message, if any, is above)"
                   : "the launcher is gone, or has ended the job");
}

int run_and_report(MpiSession& mpi, Liveness& liveness, StopSignals& signals, Verdict& verdict, int argc,
                   char** argv) {
  // What follows the loss of a rank is a consequence of it, whatever it looks like here. MPI may notice
  // before the watchdog does.
  const auto leave_if_lost = [&](std::chrono::milliseconds patience) {
    if (liveness.lost_within(patience)) liveness.leave_after_loss();
  };
  try {
    const int code = run(mpi, liveness, signals, verdict, argc, argv);
    signals.done();
    mpi.finalize();
    return code;
  } catch (const Error& error) {
    signals.done();
    const int code = static_cast<int>(error.code());
    // Waits of one operation end together.
    leave_if_lost(error.code() == ExitCode::kPeer ? std::chrono::seconds(1) + in_turn(mpi)
                                                  : std::chrono::seconds(0));
    if (mpi.rank() == 0) verdict.not_ready(error.what());
    bool said = false;
    if (!error.known_to_all() || mpi.rank() == 0) {
      said = report(error.names_its_ranks() ? "" : rank_on_host(mpi.rank()), error.what(), error.hint());
    }
    if (error.known_to_all()) {
      mpi.finalize();
    } else {
      end_the_others(mpi, liveness, code, error.what(), said);
    }
    return code;
  } catch (const std::exception& error) {
    signals.done();
    leave_if_lost(std::chrono::seconds(0));
    if (mpi.rank() == 0) verdict.not_ready(error.what());
    const bool said = report(rank_on_host(mpi.rank()), error.what(), "this is a bug in ft_dist");
    end_the_others(mpi, liveness, static_cast<int>(ExitCode::kBug), error.what(), said);
    return static_cast<int>(ExitCode::kBug);
  }
}

}  // namespace

int main(int argc, char** argv) {
  Verdict verdict(argc, argv);
  try {
    StopSignals signals(this_rank());
    MpiSession mpi(argc, argv);
    Liveness liveness(mpi.rank(), mpi.world_size());
    const MpiAbortHandler abort_handler(
        [&](AbortOrigin origin) { on_mpi_abort(mpi, liveness, signals, origin); });
    signals.set_activity([activity = liveness.activity()] { return activity->report().to_string(); });
    return run_and_report(mpi, liveness, signals, verdict, argc, argv);
  } catch (const Error& error) {
    if (is_first()) verdict.not_ready(error.what());
    if (!error.known_to_all() || is_first()) report(this_rank(), error.what(), error.hint());
    return static_cast<int>(error.code());
  } catch (const std::exception& error) {
    if (is_first()) verdict.not_ready(error.what());
    report(this_rank(), error.what(), "this is a bug in ft_dist");
    return static_cast<int>(ExitCode::kBug);
  }
}
