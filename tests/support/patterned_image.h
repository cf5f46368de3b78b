#pragma once

#include "ft/data/image.h"

namespace ft {

// A picture whose pixels follow from their place: (37 x + 91 y + 53 channel + 7 x y) mod 256.
inline RgbImage patterned_image(int width, int height) {
  RgbImage image(width, height);
  for (int y = 0; y < height; ++y) {
    const auto row = image.row(y);
    for (int i = 0; i < width * 3; ++i) {
      const int x = i / 3;
      row[static_cast<std::size_t>(i)] =
          static_cast<std::uint8_t>(37 * x + 91 * y + 53 * (i % 3) + 7 * x * y);
    }
  }
  return image;
}

}  // namespace ft
