// What the launcher (mpirun, srun, ...) says of this process before MPI starts.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ft {

struct LauncherEnvironment {
  int rank = 0;
  int world_size = 1;
  int local_rank = 0;
  int local_size = 1;
  std::string launcher = "none";  // "mpirun" (Open MPI's), "srun", "mpiexec" (another MPI's), or "none"
  // Whether Open MPI can learn its rank from this launcher. False under `srun --mpi=none`, where MPI_Init
  // would end the process with a page of text instead of an error.
  bool speaks_mpi = false;
};

// World 1 when nothing launched us. UsageError when a variable of the launcher holds no number.
[[nodiscard]] LauncherEnvironment launcher_environment();

// Slurm's "2(x3),1" (two tasks on each of three nodes, one on the fourth) as {2, 2, 2, 1}.
[[nodiscard]] std::vector<int> parse_tasks_per_node(std::string_view text);

}  // namespace ft
