// Pillow's bilinear resize (antialiased triangle filter, 22-bit fixed point, two passes, each rounded to 8
// bits, in the order that Pillow 13 chooses), exact to the grey level on every instruction set.
#pragma once

#include <cstdint>
#include <memory>

#include "ft/data/image.h"

namespace ft {

// `picture.crop(box).resize(size, BILINEAR).crop(window)`.
struct ResizePlan {
  Box box;
  Size size;
  Box window;
};

// Resizes, computing only the window: a centre crop of a long strip need not hold the whole strip. Keeps its
// memory between pictures; one per thread.
class Resizer {
 public:
  Resizer();
  Resizer(Resizer&&) noexcept;
  Resizer& operator=(Resizer&&) noexcept;
  ~Resizer();

  // Builds the filters of `plan`, and returns the part of the picture that they read. The box must lie inside
  // the picture, which only the caller knows, and the window inside `size`.
  Box prepare(const ResizePlan& plan);
  // Runs the first pass. `picture` covers what prepare() returned, and stays valid until the last rows().
  void begin(const RgbView& picture);
  // Rows [first, first + count) of the window into `out`, 3 * window.width bytes each.
  void rows(int first, int count, std::uint8_t* out);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// As `image.crop(box).resize((width, height), BILINEAR)`. The box must lie inside the picture.
void resize_bilinear(const RgbImage& image, Box box, int width, int height, Resizer& resizer, RgbImage& out);

}  // namespace ft
