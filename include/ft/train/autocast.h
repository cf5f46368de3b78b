// Mixed precision for one forward pass.
#pragma once

#include <torch/torch.h>

#include "ft/config/config.h"

namespace ft {

// bf16 autocast while alive; nothing for fp32 and tf32. One a forward pass: the destructor clears the cache
// of cast weights. Kept longer, it would go on using bf16 copies from before an in-place update of the
// weights.
class AutocastGuard {
 public:
  AutocastGuard(Precision precision, torch::DeviceType device);
  AutocastGuard(const AutocastGuard&) = delete;
  AutocastGuard& operator=(const AutocastGuard&) = delete;
  ~AutocastGuard();

 private:
  bool active_;
  bool was_enabled_ = false;
  torch::DeviceType device_;
};

// What images should come as: what autocast would make of them first thing.
[[nodiscard]] torch::ScalarType input_type(Precision precision) noexcept;

// No TF32 while alive.
class PlainFp32 {
 public:
  PlainFp32();
  PlainFp32(const PlainFp32&) = delete;
  PlainFp32& operator=(const PlainFp32&) = delete;
  ~PlainFp32();

 private:
  bool matmul_;
  bool convolution_;
};

// TF32 on or off, deterministic algorithms (and no trying out of faster ones), the thread counts of torch.
// Once, at start-up.
void set_compute_modes(Precision precision, bool deterministic, int threads);

}  // namespace ft
