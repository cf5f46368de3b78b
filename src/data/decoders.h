// The decoders behind decode_rgb, one library each.
#pragma once

#include <cstddef>
#include <span>

#include "ft/data/image.h"

namespace ft {

void decode_jpeg(std::span<const std::byte> payload, int width, int height, RgbImage& out);
void decode_png(std::span<const std::byte> payload, int width, int height, RgbImage& out);

// DataError unless the stream's own dimensions are the recorded ones.
void check_dimensions(long long stream_width, long long stream_height, int width, int height);

}  // namespace ft
