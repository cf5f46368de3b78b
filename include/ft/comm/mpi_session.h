// MPI_Init and MPI_Finalize as an object.
#pragma once

#include "ft/comm/launcher.h"

namespace ft {

// One a process, made first in main, destroyed last. Starts MPI with MPI_THREAD_MULTIPLE only when a launcher
// started us; a process on its own does without. Before MPI_Init it sets what mpi_defaults() recommends,
// where the user has not. UsageError when launcher and MPI disagree about the size of the world: one MPI's
// mpirun with another's library gives eight worlds of one, which would all train into one directory. Then
// the error is marked as known to all ranks: the launcher's rank 0 alone need say it. Destroyed during
// unwinding, it aborts the job instead of finalising: a proper subset of ranks may throw.
class MpiSession {
 public:
  MpiSession(int& argc, char**& argv);
  MpiSession(const MpiSession&) = delete;
  MpiSession& operator=(const MpiSession&) = delete;
  ~MpiSession();

  [[nodiscard]] bool active() const noexcept { return active_; }
  [[nodiscard]] int rank() const noexcept { return rank_; }
  [[nodiscard]] int world_size() const noexcept { return world_size_; }
  [[nodiscard]] const LauncherEnvironment& launcher() const noexcept { return launcher_; }

  // Ends every rank of the job with this status; does not return when MPI is active.
  void abort(int exit_code) noexcept;
  // The clean end of an agreed outcome: every rank calls it, then returns its own code from main.
  // Communicators must be gone by then.
  void finalize();

 private:
  void start(int& argc, char**& argv);
  void require_launchers_world();

  LauncherEnvironment launcher_;
  int unwinding_at_start_;
  bool active_ = false;
  int rank_ = 0;
  int world_size_ = 1;
};

}  // namespace ft
