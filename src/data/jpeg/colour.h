// libjpeg's fancy chroma upsampling (a triangle filter) and YCbCr to RGB (16-bit fixed point), to the bit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ft/data/image.h"

#include "plain_scan.h"

namespace ft::jpeg {

// Decoded samples of one component: those of the stretch `box` of the component's own grid.
struct Plane {
  const std::uint8_t* data = nullptr;
  std::size_t stride = 0;
  Box box{};
  Size whole{};  // of the component

  [[nodiscard]] const std::uint8_t* at(int x, int y) const noexcept {
    return data + stride * static_cast<std::size_t>(y - box.top) + static_cast<std::size_t>(x - box.left);
  }
};

// Bytes that may be read behind the last sample of a plane.
inline constexpr std::size_t kPlaneSlack = 64;

// Writes RGB rows of the window from planes that cover what it needs: one per thread, for its scratch.
class RowConverter {
 public:
  RowConverter(Chroma chroma, const Box& window);
  void convert(const Plane* planes, int y, std::uint8_t* out);

 private:
  const std::uint8_t* chroma_row(const Plane& plane, int y, std::vector<std::uint8_t>& row);

  Chroma chroma_;
  Box window_;
  std::vector<std::uint16_t> sums_;
  std::vector<std::uint8_t> cb_, cr_;
};

}  // namespace ft::jpeg
