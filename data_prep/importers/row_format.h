// Rows of samples as files hold them, to 8-bit RGB as Pillow's convert("RGB") makes it: alpha is dropped, 16
// bits either keep the high byte (colour) or saturate at 255 (grey), CMYK is the naive product.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>

#include "importers/picture.h"

namespace ft::importers {

// Index -> red, green, blue. What a file leaves out is black.
using Palette = std::array<std::array<std::uint8_t, 3>, 256>;

// How to turn one row of packed pixels into RGB: `rgb` tells the number of pixels.
struct RowFormat {
  int bits_per_pixel = 0;
  std::function<void(Bytes row, std::span<std::uint8_t> rgb)> to_rgb;

  [[nodiscard]] std::size_t row_bytes(std::size_t pixels) const {
    return (pixels * static_cast<std::size_t>(bits_per_pixel) + 7) / 8;
  }
};

[[nodiscard]] Palette grey_ramp(int bits, bool inverted = false);
// 1, 2, 4 or 8 bits a pixel, most significant first, through a table.
[[nodiscard]] RowFormat indexed_rows(int bits, const Palette& palette);
// As indexed_rows with 8 bits, but `pixel_bytes` apart: what follows the index is ignored.
[[nodiscard]] RowFormat padded_index_rows(int pixel_bytes, const Palette& palette);
// The bytes at these offsets of every `pixel_bytes`.
[[nodiscard]] RowFormat byte_rows(int pixel_bytes, int red, int green, int blue);
// Colours that were multiplied by the alpha at `alpha`, undone.
[[nodiscard]] RowFormat premultiplied_rows(int pixel_bytes, std::array<int, 4> rgba);
[[nodiscard]] RowFormat cmyk_rows(int pixel_bytes, std::array<int, 4> cmyk);
// 16-bit words, little endian: `green_bits` is 5 (with an idle top bit) or 6.
[[nodiscard]] RowFormat packed16_rows(int green_bits);

// Grey of more than 8 bits in this machine's byte order, saturated to 0..255, or packed 12 bits.
template <typename Sample>
[[nodiscard]] RowFormat saturated_rows();
[[nodiscard]] RowFormat grey12_rows();
[[nodiscard]] RowFormat grey16_big_endian_rows();

// The inverse of multiplying ink coverages, rounded as Pillow does it.
[[nodiscard]] std::array<std::uint8_t, 3> cmyk_to_rgb(int cyan, int magenta, int yellow, int black);

}  // namespace ft::importers
