// Pillow's bilinear resize (antialiased triangle filter, 22-bit fixed point, two passes, each rounded to 8
// bits, in the order that Pillow 13 chooses), exact to the grey level.
#pragma once

#include <cstdint>
#include <vector>

#include "ft/data/image.h"

namespace ft {

// The weights of one pass: output i is the sum of count[i] inputs from origin + first[i] on, times
// weights[i * taps] and so on. All outputs together read `extent` inputs from `origin` on.
struct ResampleTable {
  int taps = 0;
  int origin = 0;
  int extent = 0;
  std::vector<int> first, count;
  std::vector<std::int32_t> weights;
  std::vector<double> exact;  // of one output, before rounding
};

// Scratch of one worker thread; keeps its memory between calls.
struct ResizeScratch {
  ResampleTable horizontal, vertical;
  std::vector<std::uint8_t> rows;  // between the passes
  std::vector<std::int32_t> sums;  // of one row of the vertical pass
  RgbImage inner;                  // what test_pixels pads
};

struct Size {
  int width, height;
  friend bool operator==(const Size&, const Size&) = default;
};

// As `image.crop(box).resize((width, height), BILINEAR)`. The box must lie inside the picture.
void resize_bilinear(const RgbImage& image, Box box, int width, int height, ResizeScratch& scratch,
                     RgbImage& out);

// As resize_bilinear and then `.crop(window)`, computing only the window, which must lie inside `size`: a
// centre crop of a long strip need not hold the whole strip.
void resize_bilinear_window(const RgbImage& image, Box box, Size size, Box window, ResizeScratch& scratch,
                            RgbImage& out);

}  // namespace ft
