// The decoders behind Decoder and decode_rgb, one library each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ft/data/image.h"

namespace ft {

void decode_jpeg(std::span<const std::byte> payload, Size size, RgbImage& out);
void decode_png(std::span<const std::byte> payload, Size size, RgbImage& out);

// DataError unless the stream's own dimensions are the recorded ones.
void check_dimensions(long long stream_width, long long stream_height, Size size);

}  // namespace ft
