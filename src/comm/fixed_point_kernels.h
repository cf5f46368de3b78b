// The loops of fixed_point.cpp, once for any x86-64 or other CPU and once with wider vectors.
#pragma once

#include <cstdint>
#include <span>

#include "ft/comm/fixed_point.h"

namespace ft {

struct FixedPointKernels {
  bool (*add)(std::span<float> values, std::span<std::int64_t> sums, float limit, SumTerm term) noexcept;
  void (*convert)(std::span<const std::int64_t> sums, std::span<float> values) noexcept;
};

// Those that this CPU can run, plain ones first; all give the same bits.
[[nodiscard]] std::span<const FixedPointKernels> fixed_point_kernels() noexcept;

}  // namespace ft
