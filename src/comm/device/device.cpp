#include "ft/comm/device/device.h"

#include <cstdlib>

#include <c10/core/impl/VirtualGuardImpl.h>
#include <fmt/format.h>

#include "ft/base/error.h"
#include "ft/base/host.h"
#include "ft/comm/agreement.h"
#include "ft/comm/device/pick.h"

#include "gpu.h"

namespace ft {

namespace {

bool sees_a_single_gpu() {
  const char* visible = std::getenv("CUDA_VISIBLE_DEVICES");  // NOLINT(concurrency-mt-unsafe): start-up
  if (visible == nullptr) return false;
  const std::string_view list = visible;
  return !list.empty() && list.find(',') == std::string_view::npos;
}

GpuSharing sharing_here() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): start-up
  const char* wanted = std::getenv("NCCL_MULTI_RANK_GPU_ENABLE");
  return gpu_sharing(loaded_nccl_version(), wanted == nullptr ? "" : wanted);
}

int count_gpus() {
  if (!has_gpu_driver()) return 0;
  load_torch_cuda();
  return static_cast<int>(torch::cuda::device_count());
}

std::string gpu_of_this_rank(const torch::Device& device) {
  if (!device.is_cuda()) return {};
  return host_name() + " " + gpu_identity(device.index()).uuid;
}

}  // namespace

ChosenDevice choose_device(DeviceChoice wish, int local_rank, int local_size) {
  const int visible = wish == DeviceChoice::kCpu ? 0 : count_gpus();
  const auto gpu = pick_gpu(wish, visible, sees_a_single_gpu(), local_rank, local_size, sharing_here());
  if (!gpu) return {torch::kCPU, "cpu"};

  const torch::Device device(torch::kCUDA, static_cast<c10::DeviceIndex>(*gpu));
  c10::impl::VirtualGuardImpl(torch::kCUDA).setDevice(device);
  const auto [name, uuid] = gpu_identity(*gpu);
  return {device, fmt::format("cuda:{} {} ({})", *gpu, name, uuid)};
}

BackendChoice choose_backend(BackendChoice wish, Communicator& host, const torch::Device& device) {
  const auto gpus = host.all_gather(gpu_of_this_rank(device), "comparing devices");
  // The variable that lets ranks share a GPU is each rank's own.
  BackendChoice backend = wish;
  agree(host, "choosing the backend",
        [&] { backend = pick_backend(wish, gpus, host.backend(), sharing_here()); });
  return backend;
}

}  // namespace ft
