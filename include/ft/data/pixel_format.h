// How a picture lies in a batch.
#pragma once

#include <cstddef>

namespace ft {

enum class PixelLayout { kNchw, kNhwc };

// kFloat32: normalised as ToTensor and Normalize do, to the bit. kBfloat16: that, rounded to nearest even, as
// autocast would round it. kUint8: the grey levels, for a device that normalises them itself.
enum class PixelType { kFloat32, kBfloat16, kUint8 };

struct PixelFormat {
  PixelType type = PixelType::kFloat32;
  PixelLayout layout = PixelLayout::kNhwc;
  friend bool operator==(const PixelFormat&, const PixelFormat&) = default;
};

[[nodiscard]] constexpr std::size_t bytes_per_value(PixelType type) noexcept {
  switch (type) {
    case PixelType::kFloat32:
      return 4;
    case PixelType::kBfloat16:
      return 2;
    case PixelType::kUint8:
      break;
  }
  return 1;
}

}  // namespace ft
