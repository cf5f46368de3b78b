#include "importers/jpeg_cmyk.h"

#include <algorithm>

#include "ft/base/error.h"
#include "ft/data/jpeg_library.h"

#include "importers/row_format.h"

namespace ft::importers {
namespace {

class CmykReader {
 public:
  explicit CmykReader(Bytes file) : jpeg_(std::as_bytes(file)) {}

  void start(int width, int height) {
    jpeg_.run([this] { return start_decoding(); });
    const jpeg_decompress_struct& info = jpeg_.info();
    if (info.output_width != static_cast<JDIMENSION>(width) || info.output_components != 4 ||
        info.output_height != static_cast<JDIMENSION>(height)) {
      throw ImportError("broken JPEG: two frame headers that disagree");
    }
  }

  void read_row(std::span<std::uint8_t> cmyk) {
    jpeg_.run([this, cmyk] {
      JSAMPROW row = cmyk.data();
      return jpeg_read_scanlines(&jpeg_.info(), &row, 1) == 1;
    });
  }

  void finish() {
    // All rows are there: a missing end marker is fine, an error on the way to it is not.
    jpeg_.run([this] {
      jpeg_finish_decompress(&jpeg_.info());
      return true;
    });
  }

 private:
  bool start_decoding() {
    if (!jpeg_.read_header()) return false;
    jpeg_.info().out_color_space = JCS_CMYK;
    return jpeg_start_decompress(&jpeg_.info()) != FALSE;
  }

  JpegDecompressor jpeg_;
};

RgbImage decode(Bytes file, int width, int height) {
  CmykReader reader(file);
  reader.start(width, height);
  RgbImage image(width, height);
  std::vector<std::uint8_t> cmyk(4 * static_cast<std::size_t>(width));
  const RowFormat format = cmyk_rows(4, {0, 1, 2, 3});
  for (int y = 0; y < height; ++y) {
    reader.read_row(cmyk);
    std::ranges::transform(cmyk, cmyk.begin(),
                           [](std::uint8_t ink) { return static_cast<std::uint8_t>(255 - ink); });
    format.to_rgb(cmyk, image.row(y));
  }
  reader.finish();
  return image;
}

}  // namespace

RgbImage decode_cmyk_jpeg(Bytes file, int width, int height) {
  try {
    return decode(file, width, height);
  } catch (const DataError& error) {
    throw ImportError(error.what());
  }
}

}  // namespace ft::importers
