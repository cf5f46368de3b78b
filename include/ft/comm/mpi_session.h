// MPI_Init and MPI_Finalize as an object, and what the launcher says of this process.
#pragma once

#include <optional>
#include <string>

namespace ft {

// What the environment of mpirun or srun says, before MPI_Init. World 1 when nothing launched us.
struct LauncherEnvironment {
  int rank = 0;
  int world_size = 1;
  int local_rank = 0;
  int local_size = 1;
  std::string launcher;  // "mpirun", "srun", or "none"
};
[[nodiscard]] LauncherEnvironment launcher_environment();

// One a process, made first in main, destroyed last. Starts MPI with MPI_THREAD_MULTIPLE only when a launcher
// started us; a world of one does without. Before MPI_Init it sets mpi_yield_when_idle when the node has more
// ranks than cores (spinning ranks starve the others: 23 ms a tiny all-reduce on 2 cores, 0.06 ms with
// yielding). Destroyed during unwinding, it aborts the job instead of finalising: a proper subset of ranks
// may throw.
class MpiSession {
 public:
  MpiSession(int& argc, char**& argv);
  MpiSession(const MpiSession&) = delete;
  MpiSession& operator=(const MpiSession&) = delete;
  ~MpiSession();

  [[nodiscard]] bool active() const noexcept { return active_; }
  [[nodiscard]] int rank() const noexcept { return rank_; }
  [[nodiscard]] int world_size() const noexcept { return world_size_; }

  // Ends every rank of the job with this status; does not return when MPI is active.
  void abort(int exit_code) noexcept;
  // The clean end of an agreed outcome: every rank calls it, then returns its own code from main.
  void finalize();

 private:
  bool active_ = false;
  int rank_ = 0;
  int world_size_ = 1;
};

}  // namespace ft
