// Decoding what shards hold. JPEG by libjpeg-turbo with the accurate integer IDCT and fancy upsampling, as
// Pillow does; never the fast IDCT, never EXIF orientation (torchvision ignores it too).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "ft/data/image.h"

namespace ft {

// The values of /codec in a shard.
enum class Codec : std::uint8_t { kJpeg = 1, kPng = 2, kRaw = 3 };

// One stored picture. `size` is the set's record.
struct StoredPicture {
  Codec codec;
  std::span<const std::byte> payload;
  Size size;
  // For a JPEG that was transcoded with restart markers: where each interval begins in the payload
  // (docs/shard_format.md); else empty.
  std::span<const std::uint32_t> restart_offsets;
};

// Decodes the part of a picture that is wanted, into buffers that it keeps between pictures; one per thread.
class Decoder {
 public:
  Decoder();
  Decoder(Decoder&&) noexcept;
  Decoder& operator=(Decoder&&) noexcept;
  ~Decoder();

  // At least the pixels of `window`, which must lie inside the picture, exactly as Pillow's
  // Image.open(...).convert("RGB") has them. The view is valid until the next call, or, for raw pixels, as
  // long as the payload. Other dimensions than the record's, or a stream that Pillow would refuse (truncated,
  // damaged) before the window's last row, is a DataError that says where it broke, not in which sample: the
  // caller knows.
  [[nodiscard]] RgbView decode(const StoredPicture& picture, const Box& window);

  // All of the picture, and the stream to its end, with the decoder that training uses; but only these of its
  // rows, which ascend, are made into RGB and put into `out`, one below the other. The pixels, and the
  // refusals, are those of decode_rgb.
  void decode_rows(const StoredPicture& picture, std::span<const int> rows, RgbImage& out);

 private:
  struct Buffers;
  std::unique_ptr<Buffers> buffers_;
};

// The whole picture. Thread-safe.
void decode_rgb(Codec codec, std::span<const std::byte> payload, int width, int height, RgbImage& out);

}  // namespace ft
