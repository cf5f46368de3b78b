#include "importers/orientation.h"

#include <algorithm>

namespace ft::importers {

RgbImage turned(RgbImage image, int orientation) {
  if (orientation < 2 || orientation > 8) return image;
  // Where the pixel at (x, y) of the result comes from, as three switches.
  const bool transposed = orientation >= 5;
  const bool from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool from_bottom = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const int width = image.width();
  const int height = image.height();
  RgbImage result(transposed ? height : width, transposed ? width : height);
  for (int y = 0; y < result.height(); ++y) {
    const std::span<std::uint8_t> row = result.row(y);
    for (int x = 0; x < result.width(); ++x) {
      const int column = transposed ? y : x;
      const int line = transposed ? x : y;
      const int from_x = from_right ? width - 1 - column : column;
      const int from_y = from_bottom ? height - 1 - line : line;
      std::copy_n(&image.row(from_y)[3 * static_cast<std::size_t>(from_x)], 3,
                  &row[3 * static_cast<std::size_t>(x)]);
    }
  }
  return result;
}

}  // namespace ft::importers
