// How a shard stores pixels that were not a JPEG.
#pragma once

#include "ft/data/codec.h"
#include "ft/data/image.h"

#include "importers/picture.h"

namespace ft::importers {

struct StoredPixels {
  Codec codec;
  std::vector<std::byte> payload;
};

// PNG with fixed settings, or the bare pixels where PNG's overhead is not worth it. The bytes depend on the
// pixels alone (and on the versions of libpng and zlib).
[[nodiscard]] StoredPixels store_losslessly(const RgbImage& image);

}  // namespace ft::importers
