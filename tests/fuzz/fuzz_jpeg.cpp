// The JPEG reader, as training and packing call it: any bytes, under the dimensions that they declare or
// under others, whole or a window of them, with any restart offsets, give pixels or a DataError. A window
// shows what the whole picture shows there, damaged or not.
//
// Input: the JPEG, then kTail bytes that choose the rest.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <span>
#include <vector>

#include "ft/base/error.h"
#include "ft/data/codec.h"

namespace ft {
namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::size_t kTail = 8;
constexpr int kMostPixels = 1 << 16;  // larger ones are slower, not different

// Of the first frame header that a plain search finds.
Size declared_by(Bytes jpeg) {
  for (std::size_t i = 0; i + 8 < jpeg.size(); ++i) {
    if (jpeg[i] != 0xFF || jpeg[i + 1] < 0xC0 || jpeg[i + 1] > 0xC2) continue;
    return {.width = jpeg[i + 7] << 8 | jpeg[i + 8], .height = jpeg[i + 5] << 8 | jpeg[i + 6]};
  }
  return {.width = 0, .height = 0};
}

// What the set's tables say.
Size recorded(Bytes jpeg, std::uint8_t choice) {
  Size size = declared_by(jpeg);
  if ((choice & 0xC0U) == 0x40U) size.width = choice & 0x3F;
  if ((choice & 0xC0U) == 0x80U) size.height = choice & 0x3F;
  return size;
}

Box window_in(Size size, Bytes choice) {
  const int left = choice[0] * 3 % size.width;
  const int top = choice[1] % size.height;
  return {left, top, 1 + choice[2] % (size.width - left), 1 + choice[3] % (size.height - top)};
}

// Right ones (behind each restart marker, and behind the scan header), but for one that is moved.
std::vector<std::uint32_t> restart_offsets(Bytes jpeg, std::uint8_t changed, std::uint8_t by) {
  std::vector<std::uint32_t> offsets;
  for (std::uint32_t i = 0; i + 3 < jpeg.size(); ++i) {
    if (jpeg[i] != 0xFF) continue;
    if (jpeg[i + 1] == 0xDA && offsets.empty()) offsets.push_back(i + 2 + (jpeg[i + 2] << 8U | jpeg[i + 3]));
    if (jpeg[i + 1] >= 0xD0 && jpeg[i + 1] <= 0xD7) offsets.push_back(i + 2);
  }
  if (!offsets.empty()) offsets[changed % offsets.size()] += by;
  return offsets;
}

std::optional<RgbImage> decode_whole(Bytes jpeg, Size size) {
  try {
    RgbImage image;
    decode_rgb(Codec::kJpeg, std::as_bytes(jpeg), size.width, size.height, image);
    return image;
  } catch (const DataError&) {
    return std::nullopt;
  }
}

// Touches every pixel of the view; where the whole picture is known, they must agree.
void decode_window(const StoredPicture& picture, const Box& window, const std::optional<RgbImage>& whole) {
  static Decoder decoder;  // as in training, it has seen other pictures before
  RgbView view;
  try {
    view = decoder.decode(picture, window);
  } catch (const DataError&) {
    if (whole) std::abort();
    return;
  }
  if (!view.box.contains(window)) std::abort();
  for (int y = window.top; y < window.bottom(); ++y) {
    const std::uint8_t* row = view.data + view.stride * static_cast<std::size_t>(y - view.box.top) +
                              std::size_t{3} * static_cast<std::size_t>(window.left - view.box.left);
    std::vector<std::uint8_t> pixels(row, row + std::size_t{3} * static_cast<std::size_t>(window.width));
    if (!whole) continue;
    const auto expected =
        whole->row(y).subspan(std::size_t{3} * static_cast<std::size_t>(window.left), pixels.size());
    if (!std::ranges::equal(pixels, expected)) std::abort();
  }
}

}  // namespace
}  // namespace ft

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < ft::kTail) return 0;
  const ft::Bytes jpeg(data, size - ft::kTail);
  const ft::Bytes choice(data + jpeg.size(), ft::kTail);
  const ft::Size picture_size = ft::recorded(jpeg, choice[0]);
  if (std::int64_t{picture_size.width} * picture_size.height > ft::kMostPixels) return 0;

  const std::optional<ft::RgbImage> whole = ft::decode_whole(jpeg, picture_size);
  if (picture_size.width == 0 || picture_size.height == 0) return 0;
  const ft::Box window = ft::window_in(picture_size, choice.subspan(1));
  ft::StoredPicture picture{ft::Codec::kJpeg, std::as_bytes(jpeg), picture_size, {}};
  ft::decode_window(picture, window, whole);

  // With restart offsets, what damage does to the neighbourhood differs: nothing is promised but to survive.
  const std::vector<std::uint32_t> offsets = ft::restart_offsets(jpeg, choice[5], choice[6]);
  picture.restart_offsets = offsets;
  ft::decode_window(picture, window, std::nullopt);
  return 0;
}
