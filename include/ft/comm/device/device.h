// Which device this rank computes on, and which backend carries its gradients.
#pragma once

#include <string>

#include <torch/torch.h>

#include "ft/comm/communicator.h"
#include "ft/config/config.h"

namespace ft {

struct ChosenDevice {
  torch::Device device = torch::kCPU;
  std::string description;  // for RankPlace::device
};

// auto: the local_rank-th visible GPU when the node has one for each of its ranks, the CPU where there is
// none at all. UsageError when GPUs are there but fewer than ranks (both cures named), or cuda was asked for
// and cannot be had. libtorch_cuda.so (over a gigabyte) is loaded only when the driver is there, which keeps
// CPU start-up short. Makes the device current.
[[nodiscard]] ChosenDevice choose_device(DeviceChoice wish, int local_rank, int local_size);

// auto picks NCCL when every rank has its own GPU, else MPI, else single. UsageError for a wish that cannot
// be met, for ranks that share a GPU, and for a mix of GPUs and CPUs; known to all ranks.
// Collective over `host`.
[[nodiscard]] BackendChoice choose_backend(BackendChoice wish, Communicator& host,
                                           const torch::Device& device);

}  // namespace ft
