// What the CUDA driver says of this process's GPUs. Without CUDA (FT_CUDA=OFF) there are none.
#pragma once

#include <string>

namespace ft {

struct GpuIdentity {
  std::string name;  // "NVIDIA H100 80GB HBM3"
  std::string uuid;  // "GPU-8a3f..."
};

// Whether the kernel driver is loaded: the cheap question before libtorch_cuda.so is.
[[nodiscard]] bool has_gpu_driver();
// Loads libtorch_cuda.so. UsageError with the linker's words when that fails.
void load_torch_cuda();
// Of the NCCL that was loaded, as ncclGetVersion gives it; 0 without one.
[[nodiscard]] int loaded_nccl_version();
// UsageError when the driver refuses.
[[nodiscard]] GpuIdentity gpu_identity(int device_index);

}  // namespace ft
