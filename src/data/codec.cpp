#include "ft/data/codec.h"

#include <cstring>

#include <fmt/format.h>

#include "ft/base/error.h"

#include "decoders.h"

namespace ft {
namespace {

void copy_raw(std::span<const std::byte> payload, int width, int height, RgbImage& out) {
  out.resize(width, height);
  const auto pixels = out.pixels();
  if (payload.size() != pixels.size()) {
    throw DataError(fmt::format("raw picture of {}x{} pixels holds {} bytes instead of {}", width, height,
                                payload.size(), pixels.size()));
  }
  std::memcpy(pixels.data(), payload.data(), pixels.size());
}

}  // namespace

void check_dimensions(long long stream_width, long long stream_height, int width, int height) {
  if (stream_width != width || stream_height != height) {
    throw DataError(fmt::format("the stream says {}x{} pixels, the set's tables say {}x{}", stream_width,
                                stream_height, width, height));
  }
}

void decode_rgb(Codec codec, std::span<const std::byte> payload, int width, int height, RgbImage& out) {
  switch (codec) {
    case Codec::kJpeg:
      return decode_jpeg(payload, width, height, out);
    case Codec::kPng:
      return decode_png(payload, width, height, out);
    case Codec::kRaw:
      return copy_raw(payload, width, height, out);
  }
  throw DataError(fmt::format("unknown codec {}", static_cast<int>(codec)));
}

}  // namespace ft
