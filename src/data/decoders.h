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

// Only as much as `window` needs: `out` then holds the box of the picture that is returned.
Box decode_jpeg_window(std::span<const std::byte> payload, Size size, const Box& window, RgbImage& out);
// The same from a stream with restart markers; `slice` is scratch.
Box decode_jpeg_slice(std::span<const std::byte> payload, std::span<const std::uint32_t> restart_offsets,
                      Size size, const Box& window, std::vector<std::byte>& slice, RgbImage& out);

// DataError unless the stream's own dimensions are the recorded ones.
void check_dimensions(long long stream_width, long long stream_height, Size size);

}  // namespace ft
