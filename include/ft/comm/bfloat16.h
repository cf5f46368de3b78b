// bfloat16 on the wire: the upper half of a float32. What MPI, which knows no such type, computes with.
#pragma once

#include <cstdint>
#include <span>

#include "ft/comm/communicator.h"

namespace ft {

[[nodiscard]] float bfloat16_to_float(std::uint16_t bits) noexcept;
// Round to nearest, ties to even; a NaN stays one.
[[nodiscard]] std::uint16_t float_to_bfloat16(float value) noexcept;

// inout[i] = op(in[i], inout[i]), computed in float32 and rounded once. A NaN on either side is kept, so that
// a diverged gradient cannot hide in a minimum.
void combine_bfloat16(std::span<const std::uint16_t> in, std::span<std::uint16_t> inout,
                      ReduceOp op) noexcept;

}  // namespace ft
