// The headers and colour table of a BMP, read as Pillow reads them.
#pragma once

#include "importers/byte_cursor.h"
#include "importers/row_format.h"

namespace ft::importers {

struct BmpHeader {
  std::uint32_t width = 0, height = 0;
  int bits = 0;
  bool bottom_up = true;
  bool run_length = false;
  bool run_length_nibbles = false;  // RLE4, otherwise RLE8
  std::size_t pixel_offset = 0;
  Palette palette{};  // for run lengths
  RowFormat rows;     // for everything else
  const char* mode = "RGB";
};

[[nodiscard]] BmpHeader read_bmp_header(Bytes file);

}  // namespace ft::importers
