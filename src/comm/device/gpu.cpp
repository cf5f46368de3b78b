#include "gpu.h"

#include <filesystem>

#include <dlfcn.h>
#include <fmt/format.h>

#include "ft/base/error.h"

#ifdef FT_CUDA
#include <cuda_runtime_api.h>
#include <nccl.h>
#endif

namespace ft {

#ifdef FT_CUDA

namespace {

std::string format_uuid(const cudaUUID_t& uuid) {
  std::string text = "GPU";
  for (std::size_t i = 0; i < sizeof(uuid.bytes); ++i) {
    const bool starts_group = i == 0 || i == 4 || i == 6 || i == 8 || i == 10;
    text += fmt::format("{}{:02x}", starts_group ? "-" : "", static_cast<unsigned char>(uuid.bytes[i]));
  }
  return text;
}

}  // namespace

bool has_gpu_driver() {
  return std::filesystem::exists("/dev/nvidiactl") || std::filesystem::exists("/proc/driver/nvidia/version");
}

void load_torch_cuda() {
  // Its registration with LibTorch runs on load; it stays for the life of the process.
  if (dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL) != nullptr) return;
  const char* reason = dlerror();  // NOLINT(concurrency-mt-unsafe): start-up has one thread
  throw UsageError(
      fmt::format("GPU support cannot be loaded: {}", reason != nullptr ? reason : "libtorch_cuda.so"),
      "run.device: cpu trains without it");
}

int loaded_nccl_version() {
  int version = 0;
  return ncclGetVersion(&version) == ncclSuccess ? version : 0;
}

GpuIdentity gpu_identity(int device_index) {
  cudaDeviceProp properties{};
  if (const auto error = cudaGetDeviceProperties(&properties, device_index); error != cudaSuccess) {
    throw UsageError(fmt::format("GPU {} does not answer: {}", device_index, cudaGetErrorString(error)),
                     "nvidia-smi shows its state");
  }
  return {properties.name, format_uuid(properties.uuid)};
}

#else

bool has_gpu_driver() {
  return false;
}

void load_torch_cuda() {
  throw UsageError("this build has no GPU support (FT_CUDA=OFF)",
                   "run.device: cpu, or build with FT_CUDA=ON");
}

int loaded_nccl_version() {
  return 0;
}

GpuIdentity gpu_identity(int /*device_index*/) {
  throw UsageError("this build has no GPU support (FT_CUDA=OFF)",
                   "run.device: cpu, or build with FT_CUDA=ON");
}

#endif

}  // namespace ft
