#include "ft/data/codec.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "ft/base/error.h"

#include "decoders.h"
#include "jpeg_decoder.h"

namespace ft {
namespace {

RgbView view_raw(std::span<const std::byte> payload, Size size) {
  const auto bytes =
      std::size_t{3} * static_cast<std::size_t>(size.width) * static_cast<std::size_t>(size.height);
  if (payload.size() != bytes) {
    throw DataError(fmt::format("raw picture of {}x{} pixels holds {} bytes instead of {}", size.width,
                                size.height, payload.size(), bytes));
  }
  return {reinterpret_cast<const std::uint8_t*>(payload.data()),
          std::size_t{3} * static_cast<std::size_t>(size.width),
          {0, 0, size.width, size.height}};
}

}  // namespace

struct Decoder::Buffers {
  RgbImage pixels;
  JpegWindowDecoder jpeg;
};

Decoder::Decoder() : buffers_(std::make_unique<Buffers>()) {}
Decoder::Decoder(Decoder&&) noexcept = default;
Decoder& Decoder::operator=(Decoder&&) noexcept = default;
Decoder::~Decoder() = default;

RgbView Decoder::decode(const StoredPicture& picture, const Box& window) {
  RgbImage& pixels = buffers_->pixels;
  const Size size = picture.size;
  Box held{0, 0, size.width, size.height};
  switch (picture.codec) {
    case Codec::kRaw:
      return view_raw(picture.payload, size);
    case Codec::kPng:
      decode_png(picture.payload, size, pixels);
      break;
    case Codec::kJpeg:
      held = buffers_->jpeg.decode(picture, window, pixels);
      break;
    default:
      throw DataError(fmt::format("unknown codec {}", static_cast<int>(picture.codec)));
  }
  return {pixels.pixels().data(), pixels.stride(), held};
}

void Decoder::decode_rows(const StoredPicture& picture, std::span<const int> rows, RgbImage& out) {
  if (picture.codec == Codec::kJpeg) return buffers_->jpeg.decode_rows(picture, rows, out);
  RgbImage& pixels = buffers_->pixels;
  decode_rgb(picture.codec, picture.payload, picture.size.width, picture.size.height, pixels);
  out.resize(picture.size.width, static_cast<int>(rows.size()));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::ranges::copy(std::as_const(pixels).row(rows[i]), out.row(static_cast<int>(i)).begin());
  }
}

void check_dimensions(long long stream_width, long long stream_height, Size size) {
  if (stream_width != size.width || stream_height != size.height) {
    throw DataError(fmt::format("the stream says {}x{} pixels, the set's tables say {}x{}", stream_width,
                                stream_height, size.width, size.height));
  }
}

void decode_rgb(Codec codec, std::span<const std::byte> payload, int width, int height, RgbImage& out) {
  const Size size{width, height};
  switch (codec) {
    case Codec::kJpeg:
      return decode_jpeg(payload, size, out);
    case Codec::kPng:
      return decode_png(payload, size, out);
    case Codec::kRaw: {
      out.resize(width, height);
      const RgbView view = view_raw(payload, size);
      std::memcpy(out.pixels().data(), view.data, payload.size());
      return;
    }
  }
  throw DataError(fmt::format("unknown codec {}", static_cast<int>(codec)));
}

}  // namespace ft
