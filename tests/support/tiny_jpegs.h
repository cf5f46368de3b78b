// Two JPEGs of 5 x 3 pixels, written by Pillow at quality 60, and the pixels that Pillow reads from them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace ft {

inline constexpr int kTinyJpegWidth = 5;
inline constexpr int kTinyJpegHeight = 3;

// 4:2:0.
inline constexpr std::string_view kTinyRgbJpeg =
    "ffd8ffe000104a46494600010100000100010000ffdb0043000d090a0b0a080d0b0a0b0e0e0d0f13201513121213271c1e17202e"
    "2931302e292d2c333a4a3e333646372c2d405741464c4e525352323e5a615a50604a51524fffdb0043010e0e0e13111326151526"
    "4f352d354f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f"
    "4f4fffc00011080003000503012200021101031101ffc4001500010100000000000000000000000000000003ffc4001910010002"
    "03000000000000000000000000000204031333ffc40014010100000000000000000000000000000005ffc4001e11000102070100"
    "000000000000000000000200010304051321243171ffda000c03010002110311003f00bd8ad83673880424e21d80cbf1294f6d60"
    "f17fffd9";
inline constexpr std::array<std::uint8_t, 45> kTinyRgbPixels{
    33, 168, 92,  51, 146, 112, 86,  106, 157, 118, 70,  192, 150, 40, 227,
    58, 195, 103, 76, 174, 123, 111, 134, 166, 143, 98,  203, 174, 67, 235,
    81, 222, 94,  97, 201, 114, 132, 161, 157, 164, 124, 194, 195, 94, 226};

inline constexpr std::string_view kTinyGreyJpeg =
    "ffd8ffe000104a46494600010100000100010000ffdb0043000d090a0b0a080d0b0a0b0e0e0d0f13201513121213271c1e17202e"
    "2931302e292d2c333a4a3e333646372c2d405741464c4e525352323e5a615a50604a51524fffc0000b080003000501011100ffc4"
    "0014000100000000000000000000000000000003ffc400191000010500000000000000000000000000040002031333ffda000801"
    "0100003f00720682ccdabfffd9";
inline constexpr std::array<std::uint8_t, 15> kTinyGreyPixels{119, 114, 106, 98,  94,  144, 139, 131,
                                                              123, 118, 165, 160, 152, 144, 139};

inline std::vector<std::byte> bytes_of_hex(std::string_view hex) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::vector<std::byte> bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<std::byte>(digit(hex[i]) * 16 + digit(hex[i + 1])));
  }
  return bytes;
}

}  // namespace ft
