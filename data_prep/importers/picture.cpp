#include "importers/picture.h"

#include <algorithm>

#include <fmt/format.h>

namespace ft::importers {
namespace {

// Twice Pillow's MAX_IMAGE_PIXELS: above it Pillow raises instead of warning.
constexpr std::uint64_t kMaxPixels = 2ULL * 89'478'485ULL;
// A packer stays within 256 MiB on any file that is not large itself.
constexpr std::uint64_t kModestMemory = 160ULL << 20U;
// Deflate's limit, and more than honest JPEGs (50) and flat scans (500) grow.
constexpr std::uint64_t kMostGrowth = 1000;

constexpr std::uint64_t kMaxSide = (1U << 31U) - 1U;

}  // namespace

void check_declared_size(const char* container, std::uint64_t width, std::uint64_t height) {
  if (width == 0 || height == 0) {
    throw ImportError(fmt::format("broken {}: {} x {} pixels", container, width, height));
  }
  if (width > kMaxSide || height > kMaxSide || width * height > kMaxPixels) {
    throw ImportError(fmt::format("too large: the {} claims {} x {} pixels, the limit is {} pixels",
                                  container, width, height, kMaxPixels));
  }
}

void check_memory(const char* container, std::uint64_t memory, std::size_t file_bytes) {
  if (memory <= kModestMemory || memory / kMostGrowth <= file_bytes) return;
  throw ImportError(fmt::format("too large: a {} of {} bytes that takes {} MiB to decode", container,
                                file_bytes, memory >> 20U));
}

RgbImage black_image(int width, int height) {
  RgbImage image(width, height);
  std::ranges::fill(image.pixels(), std::uint8_t{0});
  return image;
}

}  // namespace ft::importers
