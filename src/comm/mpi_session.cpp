#include "ft/comm/mpi_session.h"

#include <csignal>
#include <exception>

#include <fmt/format.h>
#include <mpi.h>

#include "ft/base/cores.h"
#include "ft/base/error.h"
#include "ft/base/exit_deadline.h"
#include "ft/comm/mpi_defaults.h"

#include "mpi_bounds.h"
#include "mpi_error.h"

namespace ft {

namespace {

// These calls wait for the other ranks and can be neither polled nor called off. The last two hang once a
// cable is cut.
constexpr std::chrono::seconds kInitPatience{300};
constexpr std::chrono::seconds kFinalizePatience{120};
constexpr std::chrono::seconds kAbortPatience{5};

// What the launcher did wrong, it did to all ranks alike.
[[noreturn]] void refuse_launcher(const std::string& what, const std::string& hint) {
  UsageError error(what, hint);
  error.mark_known_to_all();
  throw error;
}

}  // namespace

MpiSession::MpiSession(int& argc, char**& argv)
    : launcher_(launcher_environment()), unwinding_at_start_(std::uncaught_exceptions()) {
  if (launcher_.launcher == "none") return;
  if (!launcher_.speaks_mpi) {
    if (launcher_.world_size == 1) return;
    refuse_launcher(fmt::format("{} started {} tasks that cannot find each other: it offers no PMIx",
                                launcher_.launcher, launcher_.world_size),
                    "srun --mpi=pmix, or mpirun inside the allocation");
  }
  start(argc, argv);
}

void MpiSession::start(int& argc, char**& argv) {
  // What this process says goes through the launcher. A line that nobody reads any more must not kill it
  // before it has found out, recorded and told that the launcher is gone (Note [MPI gives up]).
  std::signal(SIGPIPE, SIG_IGN);

  const int allowed = static_cast<int>(allowed_cores().size());
  apply_mpi_defaults(mpi_defaults(launcher_, allowed, node_has_fabric()));

  int provided = MPI_THREAD_SINGLE;
  {
    const auto deadline = bounded("MPI_Init", kInitPatience, launcher_);
    check_mpi(MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &provided), "MPI_Init_thread");
  }
  check_mpi(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  check_mpi(MPI_Comm_rank(MPI_COMM_WORLD, &rank_), "MPI_Comm_rank");
  check_mpi(MPI_Comm_size(MPI_COMM_WORLD, &world_size_), "MPI_Comm_size");

  require_launchers_world();
  active_ = true;
  if (provided < MPI_THREAD_MULTIPLE) {
    finalize();
    throw UsageError("this MPI library does not offer MPI_THREAD_MULTIPLE",
                     "use an MPI built with thread support");
  }
}

void MpiSession::require_launchers_world() {
  if (world_size_ == launcher_.world_size) return;
  const std::string what = fmt::format("{} started {} ranks, but MPI sees a world of {}", launcher_.launcher,
                                       launcher_.world_size, world_size_);
  const std::string hint =
      "the mpirun in PATH belongs to another MPI than the library this program is linked with";
  // Others who share this world need not see what this rank does, and would wait in MPI_Finalize: without it
  // the launcher ends them.
  if (world_size_ > 1) throw UsageError(what, hint);
  const auto deadline = bounded("MPI_Finalize", kFinalizePatience, launcher_);
  MPI_Finalize();
  refuse_launcher(what, hint);
}

MpiSession::~MpiSession() {
  if (!active_) return;
  if (std::uncaught_exceptions() > unwinding_at_start_) {
    abort(static_cast<int>(ExitCode::kBug));
  } else {
    const auto deadline = bounded("MPI_Finalize", kFinalizePatience, launcher_);
    MPI_Finalize();
  }
}

void MpiSession::abort(int exit_code) noexcept {
  if (!active_) return;
  const ExitDeadline deadline(kAbortPatience, static_cast<ExitCode>(exit_code), "");
  MPI_Abort(MPI_COMM_WORLD, exit_code);
}

void MpiSession::finalize() {
  if (!active_) return;
  active_ = false;
  const auto deadline = bounded("MPI_Finalize", kFinalizePatience, launcher_);
  check_mpi(MPI_Finalize(), "MPI_Finalize");
}

}  // namespace ft
