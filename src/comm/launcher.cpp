#include "ft/comm/launcher.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <optional>

#include <fmt/format.h>

#include "ft/base/error.h"

namespace ft {

namespace {

std::optional<std::string> variable(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): read before any thread starts
  if (value == nullptr) return std::nullopt;
  return value;
}

int parse_count(std::string_view text, std::string_view where) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number < 0) {
    throw UsageError(fmt::format("{}='{}' is not a count", where, text),
                     "the launcher sets this variable; do not set it by hand");
  }
  return number;
}

int number(const char* name, int fallback) {
  const auto text = variable(name);
  return text ? parse_count(*text, name) : fallback;
}

LauncherEnvironment from_mpirun() {
  return {.rank = number("OMPI_COMM_WORLD_RANK", 0),
          .world_size = number("OMPI_COMM_WORLD_SIZE", 1),
          .local_rank = number("OMPI_COMM_WORLD_LOCAL_RANK", 0),
          .local_size = number("OMPI_COMM_WORLD_LOCAL_SIZE", 1),
          .launcher = "mpirun",
          .speaks_mpi = true};
}

int slurm_local_size(int world_size) {
  const auto text = variable("SLURM_STEP_TASKS_PER_NODE");
  if (!text) return world_size;
  const auto tasks = parse_tasks_per_node(*text);
  const auto node = static_cast<std::size_t>(number("SLURM_NODEID", 0));
  return node < tasks.size() ? tasks[node] : world_size;
}

LauncherEnvironment from_srun() {
  const int world_size = number("SLURM_STEP_NUM_TASKS", 1);
  return {.rank = number("SLURM_PROCID", 0),
          .world_size = world_size,
          .local_rank = number("SLURM_LOCALID", 0),
          .local_size = slurm_local_size(world_size),
          .launcher = "srun",
          .speaks_mpi = variable("PMIX_RANK").has_value()};
}

// Hydra and its kin (MPICH, Intel MPI, MVAPICH).
LauncherEnvironment from_mpiexec() {
  return {.rank = number("PMI_RANK", 0),
          .world_size = number("PMI_SIZE", 1),
          .local_rank = number("MPI_LOCALRANKID", 0),
          .local_size = std::max(1, number("MPI_LOCALNRANKS", 1)),
          .launcher = "mpiexec",
          .speaks_mpi = true};
}

}  // namespace

std::vector<int> parse_tasks_per_node(std::string_view text) {
  constexpr std::string_view kWhere = "SLURM_STEP_TASKS_PER_NODE";
  std::vector<int> tasks;
  while (!text.empty()) {
    std::string_view item = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), item.size() + 1));
    int repeat = 1;
    if (const auto open = item.find("(x"); open != std::string_view::npos && item.ends_with(')')) {
      repeat = parse_count(item.substr(open + 2, item.size() - open - 3), kWhere);
      item = item.substr(0, open);
    }
    tasks.insert(tasks.end(), static_cast<std::size_t>(repeat), parse_count(item, kWhere));
  }
  return tasks;
}

LauncherEnvironment launcher_environment() {
  // The innermost launcher decides: mpirun inside a Slurm allocation leaves Slurm's variables in place.
  if (variable("OMPI_COMM_WORLD_SIZE")) return from_mpirun();
  // A batch script has SLURM_PROCID too, but only the tasks of a step have its number of tasks.
  if (variable("SLURM_STEP_NUM_TASKS") && variable("SLURM_PROCID")) return from_srun();
  if (variable("PMI_SIZE")) return from_mpiexec();
  return {};
}

}  // namespace ft
