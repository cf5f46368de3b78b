// How a shard stores pixels that were not a JPEG.
#pragma once

#include "ft/data/codec.h"
#include "ft/data/image.h"

#include "importers/picture.h"

namespace ft::importers {

// kPng, or kRaw where PNG's overhead is not worth it.
[[nodiscard]] Codec lossless_codec(const RgbImage& image);

// With fixed settings: the bytes depend on the pixels alone (and on the versions of libpng and zlib).
[[nodiscard]] std::vector<std::byte> encode_png(const RgbImage& image);

}  // namespace ft::importers
