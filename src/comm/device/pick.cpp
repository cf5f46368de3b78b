#include "ft/comm/device/pick.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "ft/base/error.h"

namespace ft {

namespace {

// The cure of too few GPUs, after the ones that are always there.
std::string sharing_hint(GpuSharing sharing) {
  return sharing == GpuSharing::kOffered ? "; mpirun -x NCCL_MULTI_RANK_GPU_ENABLE=1 lets ranks share one"
                                         : "";
}

void require_gpus_of_their_own(const std::vector<std::string>& gpus, GpuSharing sharing) {
  if (sharing == GpuSharing::kWanted) return;
  std::map<std::string, std::size_t> owner;
  for (std::size_t r = 0; r < gpus.size(); ++r) {
    if (gpus[r].empty()) continue;
    const auto [first, is_new] = owner.try_emplace(gpus[r], r);
    if (is_new) continue;
    throw UsageError(fmt::format("ranks {} and {} share one GPU ({})", first->second, r, gpus[r]),
                     "start one rank for each GPU, or set run.device: cpu" + sharing_hint(sharing));
  }
}

BackendChoice require_nccl(std::size_t ranks_on_gpus) {
  if (ranks_on_gpus == 0) {
    throw UsageError("dist.backend: nccl needs a GPU for each rank, and the ranks compute on CPUs",
                     "dist.backend: auto, or run.device: cuda");
  }
  return BackendChoice::kNccl;
}

BackendChoice require_mpi(std::size_t ranks_on_gpus, std::string_view host_backend) {
  if (host_backend != "mpi") {
    throw UsageError("dist.backend: mpi, but no launcher started this process",
                     "start with mpirun -np N, or set dist.backend: auto");
  }
  if (ranks_on_gpus > 0) {
    throw UsageError("dist.backend: mpi moves host memory only, and the gradients are on GPUs",
                     "dist.backend: auto picks NCCL here; run.device: cpu keeps MPI");
  }
  return BackendChoice::kMpi;
}

BackendChoice require_single(std::size_t world) {
  if (world > 1) {
    throw UsageError(fmt::format("dist.backend: single, but there are {} ranks", world),
                     "dist.backend: auto, or start one process without mpirun");
  }
  return BackendChoice::kSingle;
}

}  // namespace

GpuSharing gpu_sharing(int nccl_version, std::string_view wanted) noexcept {
  constexpr int kFirstThatCan = 23'000;
  if (nccl_version < kFirstThatCan) return GpuSharing::kImpossible;
  return wanted == "1" ? GpuSharing::kWanted : GpuSharing::kOffered;
}

std::optional<int> pick_gpu(DeviceChoice wish, int visible_gpus, bool narrowed, int local_rank,
                            int local_size, GpuSharing sharing) {
  if (wish == DeviceChoice::kCpu) return std::nullopt;
  if (visible_gpus == 0) {
    if (wish == DeviceChoice::kAuto) return std::nullopt;
    throw UsageError("run.device: cuda, but this process sees no GPU",
                     "nvidia-smi shows what is there; run.device: cpu trains without");
  }
  if (visible_gpus == 1 && narrowed) return 0;
  if (visible_gpus < local_size && sharing == GpuSharing::kWanted) return local_rank % visible_gpus;
  if (visible_gpus < local_size) {
    throw UsageError(
        fmt::format("{} ranks on this node, but only {} GPU{}", local_size, visible_gpus,
                    visible_gpus > 1 ? "s" : ""),
        fmt::format("start {} ranks on it, or set run.device: cpu{}", visible_gpus, sharing_hint(sharing)));
  }
  return local_rank;
}

BackendChoice pick_backend(BackendChoice wish, const std::vector<std::string>& gpus,
                           std::string_view host_backend, GpuSharing sharing) {
  const std::size_t world = gpus.size();
  const auto on_cpus = static_cast<std::size_t>(std::ranges::count(gpus, std::string()));
  const std::size_t on_gpus = world - on_cpus;
  require_gpus_of_their_own(gpus, sharing);
  if (on_gpus > 0 && on_cpus > 0) {
    throw UsageError(fmt::format("{} ranks compute on GPUs and {} on CPUs", on_gpus, on_cpus),
                     "use nodes of one kind, or set run.device: cpu");
  }
  switch (wish) {
    case BackendChoice::kNccl:
      return require_nccl(on_gpus);
    case BackendChoice::kMpi:
      return require_mpi(on_gpus, host_backend);
    case BackendChoice::kSingle:
      return require_single(world);
    case BackendChoice::kAuto:
      break;
  }
  if (world == 1) return BackendChoice::kSingle;
  return on_gpus > 0 ? BackendChoice::kNccl : BackendChoice::kMpi;
}

}  // namespace ft
