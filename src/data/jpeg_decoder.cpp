// libjpeg-turbo with Pillow's choices: accurate integer IDCT, fancy upsampling (both the library's defaults),
// corrupt-data warnings tolerated.
#include "jpeg_decoder.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "ft/base/error.h"
#include "ft/data/jpeg_library.h"

#include "decoders.h"

namespace ft {
namespace {

// Fancy upsampling looks at the neighbouring chroma sample, and libjpeg takes the edge of what it is asked to
// put out for the edge of the picture; so it is asked for more. (The rows above are decoded anyway.)
constexpr int kMargin = 16;
// Where scans are missing, as a progressive file may end early, libjpeg smooths over two blocks on each side,
// and those of chroma can be 32 pixels wide.
constexpr int kSmoothingMargin = 96;

// Larger windows are left to libjpeg, which needs no memory for planes of samples.
constexpr std::int64_t kMostPlainPixels = std::int64_t{1} << 24;

class JpegReader {
 public:
  JpegReader(std::span<const std::byte> payload, Size size) : payload_(payload), size_(size), jpeg_(payload) {
    jpeg_.run([this] { return jpeg_.read_header(); });
    const jpeg_decompress_struct& info = jpeg_.info();
    if (info.num_components != 1 && info.num_components != 3) {
      throw DataError(
          fmt::format("JPEG with {} colour components; a set holds grey and RGB", info.num_components));
    }
    check_dimensions(info.image_width, info.image_height, size);
  }

  void read_all(RgbImage& out) {
    out.resize(size_.width, size_.height);
    jpeg_.run([this, &out] { return start() && read_rows(out); });
    finish();
  }

  void read_some_rows(std::span<const int> rows, RgbImage& out) {
    out.resize(size_.width, static_cast<int>(rows.size()));
    std::vector<std::uint8_t> unwanted(out.stride());
    jpeg_.run([this, rows, &out, &unwanted] {
      if (!start()) return false;
      std::size_t next = 0;
      for (int y = 0; y < size_.height; ++y) {
        const bool wanted = next < rows.size() && rows[next] == y;
        JSAMPROW row = wanted ? out.row(static_cast<int>(next++)).data() : unwanted.data();
        if (jpeg_read_scanlines(&jpeg_.info(), &row, 1) == 0) return false;
      }
      return true;
    });
    finish();
  }

  Box read_window(const Box& window, RgbImage& out) {
    JDIMENSION left = 0;
    JDIMENSION width = 0;
    jpeg_.run([this, &window, &left, &width] {
      if (!start()) return false;
      const int margin = jpeg_has_multiple_scans(&jpeg_.info()) != FALSE ? kSmoothingMargin : kMargin;
      left = static_cast<JDIMENSION>(std::max(window.left - margin, 0));
      width = static_cast<JDIMENSION>(std::min(window.right() + margin, size_.width)) - left;
      // Moves both to where blocks begin.
      if (width < jpeg_.info().output_width) jpeg_crop_scanline(&jpeg_.info(), &left, &width);
      return true;
    });
    out.resize(static_cast<int>(width), window.height);
    jpeg_.run([this, &window, &out] { return skip_rows(window.top) && read_rows(out); });
    return {static_cast<int>(left), window.top, out.width(), out.height()};
  }

  // False where the picture is not plain or its data not clean; read_window() then does it.
  bool read_plain_window(std::span<const std::uint32_t> restart_offsets, const Box& window,
                         jpeg::PlainDecoder& decoder, RgbImage& out) {
    const std::optional<jpeg::PlainScan> scan = plain_scan(window.width, window.height);
    if (!scan) return false;
    out.resize(window.width, window.height);
    return decoder.decode({*scan, payload_, position(), restart_offsets}, window, out.pixels());
  }

  // False likewise; read_some_rows() then does it.
  bool read_some_plain_rows(std::span<const int> rows, jpeg::PlainDecoder& decoder, RgbImage& out) {
    const std::optional<jpeg::PlainScan> scan = plain_scan(size_.width, size_.height);
    if (!scan) return false;
    out.resize(size_.width, static_cast<int>(rows.size()));
    return decoder.decode_rows({*scan, payload_, position(), {}}, rows, out.pixels());
  }

 private:
  // Nothing where libjpeg shall decode a window of that size.
  std::optional<jpeg::PlainScan> plain_scan(int width, int height) {
    if (!jpeg::PlainDecoder::available() || std::int64_t{width} * height > kMostPlainPixels) return {};
    return jpeg::plain_scan(jpeg_.info());
  }

  // Of libjpeg in the payload.
  std::size_t position() { return payload_.size() - jpeg_.info().src->bytes_in_buffer; }

  bool start() {
    jpeg_.info().out_color_space = JCS_RGB;
    return jpeg_start_decompress(&jpeg_.info()) != FALSE;
  }

  // All pixels are there: a missing end marker is no reason to refuse, an error on the way to it is.
  void finish() {
    jpeg_.run([this] {
      jpeg_finish_decompress(&jpeg_.info());
      return true;
    });
  }

  bool skip_rows(int count) {
    return count == 0 || jpeg_skip_scanlines(&jpeg_.info(), static_cast<JDIMENSION>(count)) > 0;
  }

  bool read_rows(RgbImage& out) {
    constexpr int kAtOnce = 16;
    std::array<JSAMPROW, kAtOnce> rows;
    for (int y = 0; y < out.height();) {
      const int count = std::min(kAtOnce, out.height() - y);
      for (int i = 0; i < count; ++i) rows[static_cast<std::size_t>(i)] = out.row(y + i).data();
      const JDIMENSION done = jpeg_read_scanlines(&jpeg_.info(), rows.data(), static_cast<JDIMENSION>(count));
      if (done == 0) return false;
      y += static_cast<int>(done);
    }
    return true;
  }

  std::span<const std::byte> payload_;
  Size size_;
  JpegDecompressor jpeg_;
};

}  // namespace

void decode_jpeg(std::span<const std::byte> payload, Size size, RgbImage& out) {
  JpegReader(payload, size).read_all(out);
}

Box JpegWindowDecoder::decode(const StoredPicture& picture, const Box& window, RgbImage& out) {
  JpegReader reader(picture.payload, picture.size);
  if (reader.read_plain_window(picture.restart_offsets, window, plain_, out)) return window;
  return reader.read_window(window, out);
}

void JpegWindowDecoder::decode_rows(const StoredPicture& picture, std::span<const int> rows, RgbImage& out) {
  JpegReader reader(picture.payload, picture.size);
  if (!reader.read_some_plain_rows(rows, plain_, out)) reader.read_some_rows(rows, out);
}

Box JpegWindowDecoder::decode_by_library(const StoredPicture& picture, const Box& window, RgbImage& out) {
  return JpegReader(picture.payload, picture.size).read_window(window, out);
}

}  // namespace ft
