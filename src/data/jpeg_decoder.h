// Decodes the part of a JPEG that is wanted: plain ones ourselves, the rest, and whatever is not clean, by
// libjpeg-turbo.
#pragma once

#include "ft/data/codec.h"

#include "jpeg/plain_decoder.h"

namespace ft {

// The buffers of one thread.
class JpegWindowDecoder {
 public:
  // `out` then holds the box of the picture that is returned, which contains `window`.
  Box decode(const StoredPicture& picture, const Box& window, RgbImage& out);

  // All of the picture, and the stream to its end, with the pixels, and the refusals, of decode_jpeg; `out`
  // gets only these of its rows, which ascend.
  void decode_rows(const StoredPicture& picture, std::span<const int> rows, RgbImage& out);

  // A window by libjpeg alone: what decode() is held to.
  static Box decode_by_library(const StoredPicture& picture, const Box& window, RgbImage& out);

 private:
  jpeg::PlainDecoder plain_;
};

}  // namespace ft
