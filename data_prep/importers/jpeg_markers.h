// What the markers in front of a JPEG's first scan say, read as Pillow reads them.
#pragma once

#include "importers/picture.h"

namespace ft::importers {

struct JpegHeader {
  int width = 0, height = 0;
  int components = 0;
  bool progressive = false;
  bool exif_oriented = false;
};

// Throws ImportError for what Pillow would not identify as a picture, and for what this library cannot
// decode.
[[nodiscard]] JpegHeader read_jpeg_header(Bytes file);

}  // namespace ft::importers
