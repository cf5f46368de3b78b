#include "version.h"

#include <ATen/Version.h>
#include <H5public.h>
#include <mpi.h>
#include <torch/torch.h>
#include <torch/version.h>

#ifdef FT_CUDA
#include <nccl.h>
#endif

#include <fmt/format.h>

#include "ft/base/program_id.h"

#include "commit.h"

namespace ft::app {
namespace {

std::string mpi_version() {
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
  int length = 0;
  MPI_Get_library_version(text.data(), &length);  // allowed before MPI_Init
  const std::string whole(text.data(), static_cast<std::size_t>(length));
  return whole.substr(0, whole.find(','));
}

std::string cuda_versions() {
#ifdef FT_CUDA
  int nccl = 0;
  ncclGetVersion(&nccl);
  // 22809 is 2.28.9.
  return fmt::format("CUDA {}.{}, NCCL {}.{}.{}", CUDART_VERSION / 1000, CUDART_VERSION % 1000 / 10,
                     nccl / 10000, nccl / 100 % 100, nccl % 100);
#else
  return "CUDA none (built with FT_CUDA=OFF)";
#endif
}

constexpr std::size_t kBuildDigits = 12;

}  // namespace

std::string version_id() {
  return fmt::format("{} ({})", FT_VERSION, FT_COMMIT);
}

std::string program_facts() {
  const std::string torch = library_build_id("libtorch_cpu.so");
  return fmt::format("ft_dist {}, {}\nLibTorch {}{}\n{}\n", version_id(), program_id(), TORCH_VERSION,
                     torch.empty() ? "" : ", build " + torch, cuda_versions());
}

std::string version_text() {
  const std::string build = program_build_id().substr(0, kBuildDigits);
  return fmt::format("ft_dist {} ({}{})\nLibTorch {}, {}\n{}, HDF5 {}.{}.{}\ninstruction sets: {}",
                     FT_VERSION, FT_COMMIT, build.empty() ? "" : ", build " + build, TORCH_VERSION,
                     cuda_versions(), mpi_version(), H5_VERS_MAJOR, H5_VERS_MINOR, H5_VERS_RELEASE,
                     at::get_cpu_capability());
}

}  // namespace ft::app
