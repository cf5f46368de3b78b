// Pillow's bilinear resize (antialiased triangle filter, 22-bit fixed point, horizontal then vertical, each
// pass rounded to 8 bits), exact to the grey level. Reference: Pillow 13.0.0, src/libImaging/Resample.c.
#pragma once

#include <cstdint>
#include <vector>

#include "ft/data/image.h"

namespace ft {

// Scratch of one worker thread; keeps its memory between calls.
struct ResizeScratch {
  std::vector<std::int32_t> weights;
  std::vector<int> bounds;
  std::vector<std::uint8_t> rows;
};

// As `image.crop(box).resize((width, height), BILINEAR)`. The box must lie inside the picture.
void resize_bilinear(const RgbImage& image, Box box, int width, int height, ResizeScratch& scratch,
                     RgbImage& out);

}  // namespace ft
