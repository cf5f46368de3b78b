#include "ft/train/autocast.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>

namespace ft {

AutocastGuard::AutocastGuard(Precision precision, torch::DeviceType device)
    : active_(precision == Precision::kBf16), device_(device) {
  if (!active_) return;
  was_enabled_ = at::autocast::is_autocast_enabled(device_);
  at::autocast::set_autocast_dtype(device_, at::kBFloat16);
  at::autocast::set_autocast_enabled(device_, true);
  at::autocast::increment_nesting();
}

AutocastGuard::~AutocastGuard() {
  if (!active_) return;
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(device_, was_enabled_);
}

torch::ScalarType input_type(Precision precision) noexcept {
  return precision == Precision::kBf16 ? torch::kBFloat16 : torch::kFloat32;
}

PlainFp32::PlainFp32()
    : matmul_(at::globalContext().allowTF32CuBLAS()), convolution_(at::globalContext().allowTF32CuDNN()) {
  at::globalContext().setAllowTF32CuBLAS(false);
  at::globalContext().setAllowTF32CuDNN(false);
}

PlainFp32::~PlainFp32() {
  at::globalContext().setAllowTF32CuBLAS(matmul_);
  at::globalContext().setAllowTF32CuDNN(convolution_);
}

void set_compute_modes(Precision precision, bool deterministic, int threads) {
  auto& context = at::globalContext();
  const bool tf32 = precision == Precision::kTf32;
  context.setAllowTF32CuBLAS(tf32);
  context.setAllowTF32CuDNN(tf32);
  context.setBenchmarkCuDNN(!deterministic);
  context.setDeterministicAlgorithms(deterministic, /*warn_only=*/false);
  // Filling memory before it is written finds bugs of torch's users; it takes time and changes no result.
  context.setDeterministicFillUninitializedMemory(false);
  at::set_num_threads(threads);
}

}  // namespace ft
