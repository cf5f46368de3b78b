// What every container's decoder returns, and the rules that all of them share.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "ft/data/image.h"

#include "importers/import_image.h"

namespace ft::importers {

using Bytes = std::span<const std::uint8_t>;

struct Picture {
  RgbImage pixels;
  std::string found;  // the pixel format in the file, in Pillow's words: "P", "I;16", "CMYK"
  bool exif_oriented = false;
  bool keep_file = false;  // the file as found is what a shard stores
  Size size{};             // where the file is kept: `pixels` may then be some of the rows
};

// Refuses an empty picture and what Pillow calls a decompression bomb, by declared size: call it before
// anything of that size is allocated. `container` begins the reason.
void check_declared_size(const char* container, std::uint64_t width, std::uint64_t height);

// Refuses a file of `file_bytes` whose decoding would take `memory` bytes at once, when that is much and the
// file too small to be about it: Pillow would decode some of these, but nobody means to train on them. A
// picture that is large because it has much to show passes.
void check_memory(const char* container, std::uint64_t memory, std::size_t file_bytes);

// Pixel (0, 0, 0) everywhere: what decoders that may leave holes start from.
[[nodiscard]] RgbImage black_image(int width, int height);

// And MPO, a JPEG with more of them behind it. The pixels are in memory taken from `buffers`.
[[nodiscard]] Picture decode_jpeg(Bytes file, ImportBuffers& buffers);
[[nodiscard]] Picture decode_png(Bytes file);
[[nodiscard]] Picture decode_gif(Bytes file);
[[nodiscard]] Picture decode_bmp(Bytes file);
[[nodiscard]] Picture decode_webp(Bytes file);
[[nodiscard]] Picture decode_tiff(Bytes file);

}  // namespace ft::importers
