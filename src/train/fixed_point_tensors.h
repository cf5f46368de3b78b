// ft/comm/fixed_point.h for tensors, on the host or on a device.
#pragma once

#include <string>

#include <torch/torch.h>

#include "ft/comm/fixed_point.h"

namespace ft {

// As add_fixed_point. `values` float32 and `sums` int64 are flat and of equal length; `beyond`, one bool,
// becomes true when a value cannot be added. All on one device; no wait for it.
void add_to_sums(const torch::Tensor& values, const torch::Tensor& sums, const torch::Tensor& beyond,
                 float limit, SumTerm term);
// As from_fixed_point.
void from_sums(const torch::Tensor& sums, const torch::Tensor& values);

// The same with torch's operators, which is how it runs on a device.
void add_to_sums_by_operators(const torch::Tensor& values, const torch::Tensor& sums,
                              const torch::Tensor& beyond, float limit, SumTerm term);

// "`what` holds 9.1e+05, beyond the 524288 that dist.elastic can add"; `left` is what was not added.
[[nodiscard]] std::string describe_beyond(const std::string& what, const torch::Tensor& left, float limit);

}  // namespace ft
