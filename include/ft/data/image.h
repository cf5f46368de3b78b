// Pixels in host memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace ft {

// Pillow's limit (2 x MAX_IMAGE_PIXELS), above which it refuses a picture as a decompression bomb.
inline constexpr std::int64_t kMaxPixels = 2 * 89'478'485;

// Larger sides are not packed: a resize keeps weights for each pixel of a side (Pillow has no such limit).
inline constexpr std::int64_t kMaxSide = std::int64_t{1} << 20;

// An owned 8-bit RGB picture, interleaved, rows without padding. Reused: resize() keeps the capacity.
class RgbImage {
 public:
  RgbImage() = default;
  RgbImage(int width, int height) { resize(width, height); }

  // Contents are unspecified afterwards. Throws DataError, before anything is allocated, when a side is not
  // positive or the picture has more than kMaxPixels.
  void resize(int width, int height);

  [[nodiscard]] int width() const noexcept { return width_; }
  [[nodiscard]] int height() const noexcept { return height_; }
  [[nodiscard]] std::size_t stride() const noexcept { return static_cast<std::size_t>(width_) * 3; }
  [[nodiscard]] std::span<std::uint8_t> row(int y) noexcept {
    return {pixels_.data() + stride() * y, stride()};
  }
  [[nodiscard]] std::span<const std::uint8_t> row(int y) const noexcept {
    return {pixels_.data() + stride() * y, stride()};
  }
  [[nodiscard]] std::span<std::uint8_t> pixels() noexcept { return {pixels_.data(), stride() * height_}; }
  [[nodiscard]] std::span<const std::uint8_t> pixels() const noexcept {
    return {pixels_.data(), stride() * height_};
  }

 private:
  std::vector<std::uint8_t> pixels_;
  int width_ = 0;
  int height_ = 0;
};

struct Size {
  int width, height;
  friend bool operator==(const Size&, const Size&) = default;
};

// A rectangle of pixels inside a picture.
struct Box {
  int left, top, width, height;
  friend bool operator==(const Box&, const Box&) = default;

  [[nodiscard]] int right() const noexcept { return left + width; }
  [[nodiscard]] int bottom() const noexcept { return top + height; }
  [[nodiscard]] bool contains(const Box& other) const noexcept {
    return other.left >= left && other.top >= top && other.right() <= right() && other.bottom() <= bottom();
  }
};

// Someone else's pixels: the part `box` of a picture, addressed by the picture's own coordinates. Rows lie
// `stride` bytes apart in one stretch of memory, so that what follows a row, but for the last, may be read.
struct RgbView {
  const std::uint8_t* data = nullptr;
  std::size_t stride = 0;
  Box box{};

  [[nodiscard]] const std::uint8_t* at(int x, int y) const noexcept {
    return data + stride * static_cast<std::size_t>(y - box.top) +
           std::size_t{3} * static_cast<std::size_t>(x - box.left);
  }
  // One behind the last byte that belongs to the view.
  [[nodiscard]] const std::uint8_t* end() const noexcept { return at(box.right(), box.bottom() - 1); }
};

[[nodiscard]] inline RgbView view_of(const RgbImage& image) noexcept {
  return {image.pixels().data(), image.stride(), {0, 0, image.width(), image.height()}};
}

}  // namespace ft
