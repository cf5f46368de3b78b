// Which pixel format a TIFF has, among those that Pillow knows.
#pragma once

#include "importers/row_format.h"
#include "importers/tiff_file.h"

namespace ft::importers {

struct TiffLayout {
  std::uint32_t width = 0, height = 0;
  int orientation = 1;
  const char* mode = "";
  RowFormat rows;             // of pixels with their samples side by side
  int planes = 1;             // above 1, each sample has strips of its own...
  int sample_bytes = 1;       // ... of this many bytes a sample
  bool through_rgba = false;  // YCbCr that libtiff itself must bring to RGB
};

// Throws ImportError for other formats and for sizes that are too large. Sets libtiff's JPEG colour mode.
[[nodiscard]] TiffLayout read_tiff_layout(const TiffFile& file);

}  // namespace ft::importers
