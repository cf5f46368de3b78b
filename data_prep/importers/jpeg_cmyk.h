// JPEGs of four components, which no shard stores.
#pragma once

#include "importers/picture.h"

namespace ft::importers {

// CMYK and YCCK to RGB, always taken as inverted, which is what Adobe writes and Pillow assumes.
[[nodiscard]] RgbImage decode_cmyk_jpeg(Bytes file, int width, int height);

}  // namespace ft::importers
