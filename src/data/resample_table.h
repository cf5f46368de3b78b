// The weights of one pass of a resize.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace ft {

// 32 bits less 8 for the pixel and 2 of headroom, as Pillow has it.
inline constexpr int kFractionBits = 22;
inline constexpr std::int32_t kRoundingHalf = 1 << (kFractionBits - 1);

// A stretch of one axis of the output.
struct OutputRange {
  int first, count;
};

// Output i is the sum of count[i] inputs from origin + first[i] on, times weights_of(i). All outputs together
// read `extent` inputs from `origin` on.
struct ResampleTable {
  int taps = 0;  // the most weights that an output has; weights_of() is as long, zeros behind count[i]
  int origin = 0;
  int extent = 0;
  std::vector<int> first, count;
  std::vector<std::int32_t> weights;
  std::vector<double> exact;        // of one output, before rounding
  std::vector<std::int8_t> packed;  // the weights as the vector kernel of the machine wants them

  [[nodiscard]] int outputs() const noexcept { return static_cast<int>(first.size()); }
  [[nodiscard]] std::span<const std::int32_t> weights_of(int output) const noexcept {
    const auto length = static_cast<std::size_t>(taps);
    return {weights.data() + static_cast<std::size_t>(output) * length, length};
  }
};

// The weights that scale `in_size` to `out_size`, for the outputs in `range` only.
void build_resample_table(int in_size, int out_size, OutputRange range, ResampleTable& table);

}  // namespace ft
