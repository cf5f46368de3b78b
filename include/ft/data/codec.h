// Decoding what shards hold. JPEG by libjpeg-turbo with the accurate integer IDCT and fancy upsampling, as
// Pillow does; never the fast IDCT, never EXIF orientation (torchvision ignores it too).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "ft/data/image.h"

namespace ft {

// The values of /codec in a shard.
enum class Codec : std::uint8_t { kJpeg = 1, kPng = 2, kRaw = 3 };

// Decodes `payload` into RGB exactly as Pillow's Image.open(...).convert("RGB") would. width and height are
// the set's record; other dimensions or a stream that Pillow would refuse (truncated, damaged) is a DataError
// that says where it broke, not in which sample: the caller knows. Thread-safe. kRaw copies.
void decode_rgb(Codec codec, std::span<const std::byte> payload, int width, int height, RgbImage& out);

}  // namespace ft
