// PixelWriter's rows, eight pixels at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "ft/data/pixel_format.h"

namespace ft {

// Whether this machine has AVX2 and FMA.
[[nodiscard]] bool vector_pixels_available() noexcept;

// Arithmetic instead of PixelWriter's tables: a table takes one load a value, which is half of what a picture
// of decoded pixels costs. Immutable.
class VectorPixels {
 public:
  static constexpr int kGroup = 8;

  VectorPixels(PixelLayout layout, const std::array<double, 3>& mean, const std::array<double, 3>& std);

  // Normalises `width` pixels, at least kGroup, to `out`; flipped ones from the last to the first. Channels
  // of one pixel lie side by side (NHWC), or `channel_step` values apart. Value: float; std::uint16_t, which
  // gets bfloat16; or std::uint8_t, which gets levels. Needs vector_pixels_available(). Another thread may
  // read `out` after finish().
  template <class Value>
  void write(const std::uint8_t* in, int width, bool flip, Value* out, std::size_t channel_step) const;
  static void finish() noexcept;

 private:
  // Three vectors of eight values make a group. NHWC: as they follow each other; planes: one of each channel.
  struct alignas(32) Constants {
    std::array<float, kGroup> mean, deviation, reciprocal;
  };
  // Picks a group's values from its bytes 0 to 15 and from its bytes 8 to 23.
  struct alignas(16) Order {
    std::array<std::uint8_t, 16> low_from_first, low_from_second, high_from_first, high_from_second;
  };

  template <class Value, bool kStream>
  void write_groups(const std::uint8_t* in, int width, bool flip, Value* out, std::size_t channel_step) const;
  [[nodiscard]] static Order order_of(PixelLayout layout, bool flip);

  PixelLayout layout_;
  std::array<Constants, 3> constants_;
  std::array<Order, 2> orders_;  // [flip]
};

}  // namespace ft
