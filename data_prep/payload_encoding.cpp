#include "payload_encoding.h"

#include <algorithm>
#include <optional>

#include "ft/base/error.h"
#include "ft/data/resize.h"

#include "importers/lossless.h"
#include "jpeg_restart.h"

namespace ft {
namespace {

std::vector<std::byte> bytes_of(const RgbImage& pixels) {
  const auto bytes = std::as_bytes(pixels.pixels());
  return {bytes.begin(), bytes.end()};
}

// What training makes of the transcoded file is what it would have made of the original.
bool same_pixels(std::span<const std::byte> file, const RgbImage& expected) {
  RgbImage pixels;
  try {
    decode_rgb(Codec::kJpeg, file, expected.width(), expected.height(), pixels);
  } catch (const DataError&) {
    return false;
  }
  return std::ranges::equal(pixels.pixels(), expected.pixels());
}

void store_jpeg(ImportedImage& image, bool restart_index, EncodedImage& encoded) {
  if (restart_index) {
    std::optional<RestartJpeg> transcoded = add_restart_markers(image.file);
    if (transcoded && same_pixels(transcoded->file, image.pixels)) {
      encoded.payload = std::move(transcoded->file);
      encoded.restart_offset = std::move(transcoded->restart_offset);
      encoded.found_bytes = image.file.size();
      return;
    }
  }
  encoded.payload = std::move(image.file);
}

void store_original(ImportedImage& image, bool restart_index, EncodedImage& encoded) {
  switch (image.codec) {
    case Codec::kJpeg:
      return store_jpeg(image, restart_index, encoded);
    case Codec::kPng:
      encoded.payload = importers::encode_png(image.pixels);
      return;
    case Codec::kRaw:
      encoded.payload = bytes_of(image.pixels);
      return;
  }
}

// Both sides scaled by the same factor, each rounded to the nearest pixel.
Size limited(Size size, int max_side) {
  const std::int64_t longer = std::max(size.width, size.height);
  if (max_side == 0 || longer <= max_side) return size;
  const auto scaled = [longer, max_side](std::int64_t side) {
    return static_cast<int>(std::max<std::int64_t>(1, (2 * side * max_side + longer) / (2 * longer)));
  };
  return {scaled(size.width), scaled(size.height)};
}

void store_raw(const ImportedImage& image, int max_side, EncodedImage& encoded) {
  encoded.codec = Codec::kRaw;
  const Size size = limited(image.size, max_side);
  if (size == image.size) {
    encoded.payload = bytes_of(image.pixels);
    return;
  }
  RgbImage resampled;
  Resizer resizer;
  resize_bilinear(image.pixels, {0, 0, image.size.width, image.size.height}, size.width, size.height, resizer,
                  resampled);
  encoded.payload = bytes_of(resampled);
  encoded.width = size.width;
  encoded.height = size.height;
  encoded.resampled = true;
}

}  // namespace

EncodedImage encode_image(ImportedImage& image, const EncodingOptions& options) {
  EncodedImage encoded{.codec = image.codec,
                       .payload = {},
                       .width = image.size.width,
                       .height = image.size.height,
                       .restart_offset = {},
                       .converted = std::move(image.converted),
                       .exif_oriented = image.exif_oriented};
  if (options.encoding == Encoding::kRaw) {
    store_raw(image, options.max_side, encoded);
  } else {
    store_original(image, options.restart_index, encoded);
  }
  return encoded;
}

}  // namespace ft
