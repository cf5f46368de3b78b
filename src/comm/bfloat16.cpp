#include "ft/comm/bfloat16.h"

#include <bit>
#include <cmath>
#include <functional>

namespace ft {

namespace {

template <typename Combine>
void combine(std::span<const std::uint16_t> in, std::span<std::uint16_t> inout, Combine op) noexcept {
  for (std::size_t i = 0; i < inout.size(); ++i) {
    inout[i] = float_to_bfloat16(op(bfloat16_to_float(in[i]), bfloat16_to_float(inout[i])));
  }
}

float smaller(float a, float b) {
  return std::isnan(a) || a < b ? a : b;
}
float larger(float a, float b) {
  return std::isnan(a) || a > b ? a : b;
}

}  // namespace

float bfloat16_to_float(std::uint16_t bits) noexcept {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16U);
}

std::uint16_t float_to_bfloat16(float value) noexcept {
  constexpr std::uint16_t kQuietNan = 0x7fc0;
  if (std::isnan(value)) return kQuietNan;
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t tie_to_even = 0x7fffU + ((bits >> 16U) & 1U);
  return static_cast<std::uint16_t>((bits + tie_to_even) >> 16U);
}

void combine_bfloat16(std::span<const std::uint16_t> in, std::span<std::uint16_t> inout,
                      ReduceOp op) noexcept {
  switch (op) {
    case ReduceOp::kSum:
      return combine(in, inout, std::plus<float>{});
    case ReduceOp::kMin:
      return combine(in, inout, smaller);
    case ReduceOp::kMax:
      return combine(in, inout, larger);
  }
}

}  // namespace ft
