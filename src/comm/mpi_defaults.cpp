#include "ft/comm/mpi_defaults.h"

#include <cstdlib>
#include <filesystem>

namespace ft {

namespace {

bool has_entries(const std::filesystem::path& directory) {
  std::error_code error;
  return std::filesystem::directory_iterator(directory, error) != std::filesystem::directory_iterator();
}

}  // namespace

std::vector<MpiDefault> mpi_defaults(const LauncherEnvironment& launcher, int allowed_cores,
                                     bool has_fabric) {
  std::vector<MpiDefault> defaults;
  // Blocking calls (MPI_Init, MPI_Finalize) spin; with more ranks than cores they must let others run.
  if (launcher.local_size > allowed_cores) defaults.push_back({"OMPI_MCA_mpi_yield_when_idle", "1"});
  // Without a fabric every rank would still load and probe UCX, libfabric and PSM: 0.2 s of start-up, to
  // end with ob1 (shared memory and TCP) all the same.
  if (!has_fabric) defaults.push_back({"OMPI_MCA_pml", "ob1"});
  return defaults;
}

bool node_has_fabric() {
  return has_entries("/sys/class/infiniband") || has_entries("/sys/class/cxi") ||
         std::filesystem::exists("/dev/hfi1_0") || std::filesystem::exists("/dev/ipath");
}

void apply_mpi_defaults(const std::vector<MpiDefault>& defaults) {
  constexpr int kKeepExisting = 0;
  for (const auto& [variable, value] : defaults) {
    setenv(variable.c_str(), value.c_str(), kKeepExisting);  // NOLINT(concurrency-mt-unsafe): before threads
  }
}

}  // namespace ft
