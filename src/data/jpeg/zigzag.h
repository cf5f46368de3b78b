// The order in which a block's coefficients are stored (ITU-T T.81, figure 5).
#pragma once

#include <array>
#include <cstdint>

namespace ft::jpeg {

inline constexpr std::array<std::uint8_t, 64> kNaturalOrder = [] {
  std::array<std::uint8_t, 64> order{};
  int row = 0;
  int column = 0;
  for (std::uint8_t& place : order) {
    place = static_cast<std::uint8_t>(8 * row + column);
    const bool upwards = (row + column) % 2 == 0;
    int& forward = upwards ? column : row;
    int& backward = upwards ? row : column;
    if (forward == 7) {
      ++backward;  // along the far edge
    } else {
      ++forward;
      if (backward > 0) --backward;
    }
  }
  return order;
}();

static_assert(kNaturalOrder[2] == 8 && kNaturalOrder[3] == 16 && kNaturalOrder[28] == 7 &&
              kNaturalOrder[63] == 63);

}  // namespace ft::jpeg
