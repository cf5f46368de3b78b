// Sums whose bits do not depend on who adds what first (`dist.elastic`): each float32 becomes a whole number
// of steps of 2^-40 before any addition, and whole numbers are added.
//
// Bounds. A part's values must be below fixed_point_limit(parts) = 2^22 / parts, so that the sum of up to
// `parts` of them, and each partial sum on the way, is below 2^22 in magnitude, which is 2^62 steps: int64
// cannot overflow, whatever the order. Rounding a value to a step costs at most 2^-41; a sum of V parts is
// thus within V * 2^-41 of the exact one, and from_fixed_point rounds it to float32 once.
#pragma once

#include <cstdint>
#include <span>

namespace ft {

// More parts would leave too little room for each.
inline constexpr int kMostParts = 1024;

// What a part's values must be below in magnitude.
[[nodiscard]] float fixed_point_limit(int parts) noexcept;

enum class SumTerm { kFirst, kNext };

// sums[i] = (kFirst) or += (kNext) round(values[i] * 2^40), ties to even; values[i] = 0: one pass over
// memory. False when a value is not below `limit` (>= 2048) in magnitude or not a number: such a value adds
// nothing and stays in `values`. The spans are of equal length. The bits are the same on every CPU.
[[nodiscard]] bool add_fixed_point(std::span<float> values, std::span<std::int64_t> sums, float limit,
                                   SumTerm term) noexcept;

// values[i] = sums[i] * 2^-40, rounded once, to nearest even.
void from_fixed_point(std::span<const std::int64_t> sums, std::span<float> values) noexcept;

// A part's summed loss as a term of a sum of doubles that is exact in any order: a multiple of 2^-24, which
// sums of magnitudes below 2^29 hold without rounding.
[[nodiscard]] double exact_loss_term(double loss) noexcept;
// What the losses of `parts` parts must be below in magnitude for that.
[[nodiscard]] double exact_loss_limit(int parts) noexcept;

}  // namespace ft
