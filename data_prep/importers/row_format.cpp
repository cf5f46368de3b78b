#include "importers/row_format.h"

#include <algorithm>
#include <cstring>

#include "importers/byte_cursor.h"

namespace ft::importers {
namespace {

void put_grey(std::uint8_t* rgb, std::uint8_t value) {
  std::fill_n(rgb, 3, value);
}

// value * ink / 255, rounded to nearest without a division.
int scaled(int value, int ink) {
  const int product = value * ink + 128;
  return ((product >> 8) + product) >> 8;
}

// The shape of every format with whole bytes: a function of one pixel's bytes.
template <typename PixelToRgb>
RowFormat whole_byte_rows(int pixel_bytes, PixelToRgb pixel_to_rgb) {
  return {pixel_bytes * 8, [=](Bytes row, std::span<std::uint8_t> rgb) {
            const std::uint8_t* pixel = row.data();
            for (std::size_t i = 0; i < rgb.size(); i += 3, pixel += pixel_bytes)
              pixel_to_rgb(pixel, &rgb[i]);
          }};
}

template <typename Sample>
std::uint8_t saturate(Sample value) {
  if (value >= Sample{255}) return 255;
  // This way round, a NaN is not put through the conversion.
  return value > Sample{0} ? static_cast<std::uint8_t>(value) : std::uint8_t{0};
}

}  // namespace

Palette grey_ramp(int bits, bool inverted) {
  Palette palette{};
  const int top = (1 << bits) - 1;
  for (int i = 0; i <= top; ++i) {
    const int value = (inverted ? top - i : i) * 255 / top;
    palette[static_cast<std::size_t>(i)].fill(static_cast<std::uint8_t>(value));
  }
  return palette;
}

RowFormat indexed_rows(int bits, const Palette& palette) {
  return {bits, [bits, palette](Bytes row, std::span<std::uint8_t> rgb) {
            const unsigned mask = (1U << static_cast<unsigned>(bits)) - 1U;
            std::size_t bit = 0;
            for (std::size_t i = 0; i < rgb.size(); i += 3, bit += static_cast<std::size_t>(bits)) {
              const unsigned shift = 8U - static_cast<unsigned>(bits) - static_cast<unsigned>(bit % 8);
              const unsigned index = (row[bit / 8] >> shift) & mask;
              std::ranges::copy(palette[index], &rgb[i]);
            }
          }};
}

RowFormat padded_index_rows(int pixel_bytes, const Palette& palette) {
  return whole_byte_rows(pixel_bytes, [palette](const std::uint8_t* pixel, std::uint8_t* rgb) {
    std::ranges::copy(palette[*pixel], rgb);
  });
}

RowFormat byte_rows(int pixel_bytes, int red, int green, int blue) {
  return whole_byte_rows(pixel_bytes, [=](const std::uint8_t* pixel, std::uint8_t* rgb) {
    rgb[0] = pixel[red];
    rgb[1] = pixel[green];
    rgb[2] = pixel[blue];
  });
}

RowFormat premultiplied_rows(int pixel_bytes, std::array<int, 4> rgba) {
  return whole_byte_rows(pixel_bytes, [rgba](const std::uint8_t* pixel, std::uint8_t* rgb) {
    const int alpha = pixel[rgba[3]];
    for (std::size_t band = 0; band < 3; ++band) {
      const int value = alpha == 0 ? 0 : pixel[rgba[band]] * 255 / alpha;
      rgb[band] = static_cast<std::uint8_t>(std::min(value, 255));
    }
  });
}

std::array<std::uint8_t, 3> cmyk_to_rgb(int cyan, int magenta, int yellow, int black) {
  const int light = 255 - black;
  const auto band = [light](int ink) {
    return static_cast<std::uint8_t>(std::clamp(light - scaled(ink, light), 0, 255));
  };
  return {band(cyan), band(magenta), band(yellow)};
}

RowFormat cmyk_rows(int pixel_bytes, std::array<int, 4> cmyk) {
  return whole_byte_rows(pixel_bytes, [cmyk](const std::uint8_t* pixel, std::uint8_t* rgb) {
    std::ranges::copy(cmyk_to_rgb(pixel[cmyk[0]], pixel[cmyk[1]], pixel[cmyk[2]], pixel[cmyk[3]]), rgb);
  });
}

RowFormat packed16_rows(int green_bits) {
  return whole_byte_rows(2, [green_bits](const std::uint8_t* pixel, std::uint8_t* rgb) {
    const int word = pixel[0] | pixel[1] << 8;
    const int green_top = (1 << green_bits) - 1;
    rgb[0] = static_cast<std::uint8_t>((word >> (5 + green_bits) & 31) * 255 / 31);
    rgb[1] = static_cast<std::uint8_t>((word >> 5 & green_top) * 255 / green_top);
    rgb[2] = static_cast<std::uint8_t>((word & 31) * 255 / 31);
  });
}

template <typename Sample>
RowFormat saturated_rows() {
  return whole_byte_rows(sizeof(Sample), [](const std::uint8_t* pixel, std::uint8_t* rgb) {
    Sample value;
    std::memcpy(&value, pixel, sizeof value);
    put_grey(rgb, saturate(value));
  });
}
template RowFormat saturated_rows<std::uint16_t>();
template RowFormat saturated_rows<std::int16_t>();
template RowFormat saturated_rows<std::int32_t>();
template RowFormat saturated_rows<float>();

RowFormat grey12_rows() {
  return {12, [](Bytes row, std::span<std::uint8_t> rgb) {
            for (std::size_t i = 0; i < rgb.size() / 3; ++i) {
              const std::size_t at = i * 12 / 8;
              const int value = i % 2 == 0 ? row[at] << 4 | row[at + 1] >> 4  //
                                           : (row[at] & 15) << 8 | row[at + 1];
              put_grey(&rgb[i * 3], saturate(value));
            }
          }};
}

RowFormat grey16_big_endian_rows() {
  return whole_byte_rows(2, [](const std::uint8_t* pixel, std::uint8_t* rgb) {
    put_grey(rgb, saturate(static_cast<int>(load_be16({pixel, 2}))));
  });
}

}  // namespace ft::importers
