// The additions of an all-reduce, in the order of the ranks: the same bits whatever came first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "ft/comm/communicator.h"

namespace ft {

// out[i] = ((terms[0][i] + terms[1][i]) + terms[2][i]) + ... for kFloat32, kFloat64 and kInt64 (which wraps).
// `out` may be one of the terms.
void sum_in_order(std::span<const std::byte* const> terms, std::byte* out, std::size_t count,
                  ElementKind kind) noexcept;

// The same for bfloat16, with float32 additions and one rounding at the end. `rounded` may be one of the
// terms; `widened` gets the rounded sum as float32.
void sum_bfloat16_in_order(std::span<const std::uint16_t* const> terms, std::uint16_t* rounded,
                           float* widened, std::size_t count) noexcept;

// float_to_bfloat16() and bfloat16_to_float() over whole spans.
void round_to_bfloat16(const float* values, std::uint16_t* rounded, std::size_t count) noexcept;
void widen_bfloat16(const std::uint16_t* values, float* widened, std::size_t count) noexcept;

}  // namespace ft
