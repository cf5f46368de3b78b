// The decisions behind choose_device() and choose_backend() as pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ft/config/config.h"

namespace ft {

// Several ranks on one GPU: NCCL can from 2.30 on, when NCCL_MULTI_RANK_GPU_ENABLE=1 asks for it.
enum class GpuSharing { kImpossible, kOffered, kWanted };
// `nccl_version`: of the loaded library, as ncclGetVersion gives it (23000); 0: none. `wanted`: the variable.
[[nodiscard]] GpuSharing gpu_sharing(int nccl_version, std::string_view wanted) noexcept;

// The GPU to use; nullopt: the CPU. `narrowed`: CUDA_VISIBLE_DEVICES names a single GPU, as Slurm does for
// each task with --gpus-per-task. Then each rank sees one, which may be its own; choose_backend() finds out.
[[nodiscard]] std::optional<int> pick_gpu(DeviceChoice wish, int visible_gpus, bool narrowed, int local_rank,
                                          int local_size, GpuSharing sharing = GpuSharing::kImpossible);

// `gpus`: for each rank what tells its GPU from all others, empty for a rank on the CPU.
[[nodiscard]] BackendChoice pick_backend(BackendChoice wish, const std::vector<std::string>& gpus,
                                         std::string_view host_backend,
                                         GpuSharing sharing = GpuSharing::kImpossible);

}  // namespace ft
