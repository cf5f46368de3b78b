#include "ft/data/image.h"

#include <fmt/format.h>

#include "ft/base/error.h"

namespace ft {

void RgbImage::resize(int width, int height) {
  if (width <= 0 || height <= 0) {
    throw DataError(fmt::format("a picture of {}x{} pixels: both sides must be positive", width, height));
  }
  if (static_cast<std::int64_t>(width) * height > kMaxPixels) {
    throw DataError(
        fmt::format("a picture of {}x{} pixels is above the limit of {} pixels", width, height, kMaxPixels));
  }
  const auto bytes = static_cast<std::size_t>(width) * 3 * static_cast<std::size_t>(height);
  // Never shrinks: a vector that grows again would clear what is overwritten anyway.
  if (pixels_.size() < bytes) pixels_.resize(bytes);
  width_ = width;
  height_ = height;
}

}  // namespace ft
