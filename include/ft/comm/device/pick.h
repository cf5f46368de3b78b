// The decisions behind choose_device() and choose_backend() as pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ft/config/config.h"

namespace ft {

// The GPU to use; nullopt: the CPU. `narrowed`: CUDA_VISIBLE_DEVICES names a single GPU, as Slurm does for
// each task with --gpus-per-task. Then each rank sees one, which may be its own; choose_backend() finds out.
[[nodiscard]] std::optional<int> pick_gpu(DeviceChoice wish, int visible_gpus, bool narrowed, int local_rank,
                                          int local_size);

// `gpus`: for each rank what tells its GPU from all others, empty for a rank on the CPU.
[[nodiscard]] BackendChoice pick_backend(BackendChoice wish, const std::vector<std::string>& gpus,
                                         std::string_view host_backend);

}  // namespace ft
