// What a picture looks like, small enough to keep for a million of them: for finding the same picture twice.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "ft/data/image.h"

namespace ft {

// The picture squeezed onto a grid of 16 x 16 RGB cells, row by row.
struct Thumbnail {
  static constexpr int kSide = 16;
  std::array<std::uint8_t, static_cast<std::size_t>(kSide) * kSide * 3> pixels{};
};

struct PictureLook {
  // XXH3-64 of the size and of the pixels in the rows that are seen; 0: there was no picture to look at.
  std::uint64_t pixels_xxh3 = 0;
  // The signs of the lowest 63 frequencies. Another size or another JPEG quality flips a few of the bits.
  std::uint64_t hash = 0;
  // Whether the hash means anything: a blank picture's is chance.
  bool telling = false;
  Thumbnail thumbnail;
};

// Hashes at most this many bits apart may be of one picture.
inline constexpr int kNearBits = 7;

// Which rows a look takes of a picture of that height, ascending: 128 of them, or all there are.
[[nodiscard]] std::vector<int> rows_seen(int height);

// At a picture of which `rows` holds all rows, or those that are seen. Integer arithmetic only: the same on
// every machine. Thread-safe.
[[nodiscard]] PictureLook look_at(Size size, const RgbImage& rows);
[[nodiscard]] inline PictureLook look_at(const RgbImage& image) {
  return look_at({image.width(), image.height()}, image);
}

// The hash of the picture seen in a mirror: only the odd horizontal frequencies change their sign.
[[nodiscard]] constexpr std::uint64_t mirrored(std::uint64_t hash) noexcept {
  return hash ^ 0xaaaa'aaaa'aaaa'aaaaULL;
}
[[nodiscard]] Thumbnail mirrored(const Thumbnail& thumbnail);

// Whether they show the same, near enough that a person would say so.
[[nodiscard]] bool look_alike(const Thumbnail& a, const Thumbnail& b);
// Of the grey levels; 0 when one of them is blank.
[[nodiscard]] double correlation(const Thumbnail& a, const Thumbnail& b);
// In grey levels, over all cells and colours.
[[nodiscard]] double mean_difference(const Thumbnail& a, const Thumbnail& b);

}  // namespace ft
