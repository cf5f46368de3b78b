// ft_stand_in [--seconds S] [--code N] [--die-once FILE]: what the launch scripts see of ft_dist, without the
// training. It runs for S seconds, saves and leaves with 75 on SIGUSR1, and else leaves with N. With
// --die-once the last rank kills itself in the first run: FILE tells the runs apart.
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>

#include <mpi.h>

namespace {

constexpr int kStopped = 75;

// A signal handler has no other way to tell.
std::atomic<bool> stop_requested{false};  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)
static_assert(std::atomic<bool>::is_always_lock_free);

struct Options {
  double seconds = 0.1;
  int code = 0;
  std::filesystem::path die_once;
};

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    const std::string value = argv[i + 1];
    if (name == "--seconds") options.seconds = std::stod(value);
    if (name == "--code") options.code = std::stoi(value);
    if (name == "--die-once") options.die_once = value;
  }
  return options;
}

bool any_rank(bool mine) {
  int any = mine ? 1 : 0;
  MPI_Allreduce(MPI_IN_PLACE, &any, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  return any != 0;
}

void die_in_first_run(const std::filesystem::path& file) {
  if (std::filesystem::exists(file)) return;
  std::ofstream(file) << "died\n";
  std::raise(SIGKILL);
}

int run(const Options& options) {
  int rank = 0;
  int world = 0;
  int length = 0;
  std::array<char, MPI_MAX_PROCESSOR_NAME> host{};
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &world);
  MPI_Get_processor_name(host.data(), &length);
  std::fprintf(stderr, "rank %d of %d on %s\n", rank, world, host.data());
  if (!options.die_once.empty() && rank == world - 1) die_in_first_run(options.die_once);

  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(options.seconds);
  while (!any_rank(std::chrono::steady_clock::now() >= end)) {
    if (any_rank(stop_requested)) {
      // Longer than mpirun's patience after a TERM.
      std::this_thread::sleep_for(std::chrono::milliseconds(1500));
      MPI_Barrier(MPI_COMM_WORLD);
      if (rank == 0) std::fprintf(stderr, "saved\n");
      return kStopped;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return options.code;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGUSR1, [](int) { stop_requested = true; });
  MPI_Init(&argc, &argv);
  const int code = run(parse(argc, argv));
  MPI_Finalize();
  return code;
}
