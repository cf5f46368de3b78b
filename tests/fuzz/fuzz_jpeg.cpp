// The JPEG reader, as training calls it: any bytes, under the dimensions that they declare or under others,
// give a picture or a DataError.
//
// Input: the JPEG, then one byte that chooses what the set's tables say of it.
#include <cstddef>
#include <cstdint>
#include <span>

#include "ft/base/error.h"
#include "ft/data/codec.h"

namespace ft {
namespace {

using Bytes = std::span<const std::uint8_t>;

// Larger ones are slower, not different.
constexpr int kMostPixels = 1 << 16;

struct Dimensions {
  int width = 0, height = 0;
};

// Of the first frame header that a plain search finds.
Dimensions declared_by(Bytes jpeg) {
  for (std::size_t i = 0; i + 8 < jpeg.size(); ++i) {
    if (jpeg[i] != 0xFF || jpeg[i + 1] < 0xC0 || jpeg[i + 1] > 0xC2) continue;
    return {.width = jpeg[i + 7] << 8 | jpeg[i + 8], .height = jpeg[i + 5] << 8 | jpeg[i + 6]};
  }
  return {};
}

Dimensions recorded(Bytes jpeg, std::uint8_t choice) {
  Dimensions dimensions = declared_by(jpeg);
  if ((choice & 1U) != 0) dimensions.width = choice;
  if ((choice & 2U) != 0) dimensions.height = choice;
  return dimensions;
}

void decode_whole(Bytes jpeg, Dimensions dimensions) {
  RgbImage image;
  decode_rgb(Codec::kJpeg, std::as_bytes(jpeg), dimensions.width, dimensions.height, image);
}

}  // namespace
}  // namespace ft

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ft::Bytes jpeg(data, size - 1);
  const ft::Dimensions dimensions = ft::recorded(jpeg, data[size - 1]);
  if (std::int64_t{dimensions.width} * dimensions.height > ft::kMostPixels) return 0;
  try {
    ft::decode_whole(jpeg, dimensions);
  } catch (const ft::DataError&) {
  }
  return 0;
}
