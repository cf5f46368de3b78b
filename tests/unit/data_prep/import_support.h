// Small picture files, made in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <zlib.h>

#include "importers/import_image.h"

namespace ft::testing {

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

inline std::string little_endian(std::uint32_t value, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i) & 255U);
  return out;
}

inline std::string big_endian(std::uint32_t value) {
  const std::string reversed = little_endian(value, 4);
  return {reversed.rbegin(), reversed.rend()};
}

// The reason for a refusal; empty where the file is imported.
inline std::string refusal(std::string_view file) {
  try {
    static_cast<void>(import_image(bytes_of(file)));
    return {};
  } catch (const ImportError& error) {
    return error.what();
  }
}

inline std::string png_chunk(const std::string& name, const std::string& body) {
  const std::string checked = name + body;
  const uLong checksum =
      crc32(0, reinterpret_cast<const Bytef*>(checked.data()), static_cast<uInt>(checked.size()));
  return big_endian(static_cast<std::uint32_t>(body.size())) + checked +
         big_endian(static_cast<std::uint32_t>(checksum));
}

inline std::string packed(const std::string& plain) {
  std::string out(compressBound(plain.size()), '\0');
  uLongf size = out.size();
  compress(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(plain.data()),
           plain.size());
  out.resize(size);
  return out;
}

inline constexpr std::string_view kPngSignature = "\x89PNG\r\n\x1a\n";

// 8-bit RGB, every row filtered by "none".
inline std::string png_header(std::uint32_t width, std::uint32_t height, char colour_type = 2) {
  const std::string layout{8, colour_type, 0, 0, 0};
  return std::string(kPngSignature) + png_chunk("IHDR", big_endian(width) + big_endian(height) + layout);
}

inline std::string grey_png(std::uint32_t width, std::uint32_t height, const std::string& before_data = {}) {
  std::string rows;
  for (std::uint32_t y = 0; y < height; ++y) rows += '\0' + std::string(width, static_cast<char>(y));
  return png_header(width, height, 0) + before_data + png_chunk("IDAT", packed(rows)) + png_chunk("IEND", "");
}

inline std::string bmp(std::uint32_t width, std::uint32_t height, const std::string& pixels) {
  std::string info = little_endian(40, 4) + little_endian(width, 4) + little_endian(height, 4) +
                     little_endian(1, 2) + little_endian(24, 2);
  info.resize(40, '\0');
  return "BM" + std::string(8, '\0') + little_endian(54, 4) + info + pixels;
}

inline std::string gif(std::uint32_t width, std::uint32_t height, const std::string& image_data) {
  return "GIF89a" + little_endian(width, 2) + little_endian(height, 2) + std::string("\x80\0\0", 3) +
         std::string("\x0A\x14\x1E\xC8\xD2\xDC", 6) + "," + std::string(4, '\0') + little_endian(width, 2) +
         little_endian(height, 2) + '\0' + image_data;
}

// Colours 1, 0, 0, 1: a clear code, four codes of 3, 3, 3 and 4 bits, the end code.
inline const std::string kGifPixels = std::string("\x02\x03\x0C\x10\x05\0;", 7);

}  // namespace ft::testing
