#include "importers/picture.h"

#include <algorithm>

#include <fmt/format.h>

namespace ft::importers {
namespace {

// A packer stays within 256 MiB on any file that is not large itself.
constexpr std::uint64_t kModestMemory = 160ULL << 20U;
// Deflate's limit, and more than honest JPEGs (50) and flat scans (500) grow.
constexpr std::uint64_t kMostGrowth = 1000;

}  // namespace

void check_declared_size(const char* container, std::uint64_t width, std::uint64_t height) {
  if (width == 0 || height == 0) {
    throw ImportError(fmt::format("broken {}: {} x {} pixels", container, width, height));
  }
  constexpr auto kSide = static_cast<std::uint64_t>(kMaxSide);
  constexpr auto kPixels = static_cast<std::uint64_t>(kMaxPixels);
  if (width <= kSide && height <= kSide && width * height <= kPixels) return;
  throw ImportError(fmt::format("too large: the {} claims {} x {} pixels, the limit is {} pixels, {} a side",
                                container, width, height, kPixels, kSide));
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
