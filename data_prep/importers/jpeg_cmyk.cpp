#include "importers/jpeg_cmyk.h"

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstdio>  // jpeglib.h needs it

#include <fmt/format.h>
#include <jpeglib.h>

#include "importers/row_format.h"

namespace ft::importers {
namespace {

class CmykReader {
 public:
  explicit CmykReader(Bytes file) {
    info_.err = jpeg_std_error(&errors_);
    errors_.error_exit = on_error;
    errors_.output_message = [](j_common_ptr) {};
    info_.client_data = this;
    // A source that suspends at its end: libjpeg's own would make up the missing rows.
    source_.next_input_byte = file.data();
    source_.bytes_in_buffer = file.size();
    source_.init_source = [](j_decompress_ptr) {};
    source_.fill_input_buffer = [](j_decompress_ptr) -> boolean { return FALSE; };
    source_.skip_input_data = skip;
    source_.resync_to_restart = jpeg_resync_to_restart;
    source_.term_source = [](j_decompress_ptr) {};
  }
  CmykReader(const CmykReader&) = delete;
  CmykReader& operator=(const CmykReader&) = delete;
  ~CmykReader() { jpeg_destroy_decompress(&info_); }

  void start(int width, int height) {
    const bool started = guarded([this] { return start_decoding(); });
    if (!started) throw_truncated();
    if (info_.output_width != static_cast<JDIMENSION>(width) || info_.output_components != 4 ||
        info_.output_height != static_cast<JDIMENSION>(height)) {
      throw ImportError("broken JPEG: two frame headers that disagree");
    }
  }

  void read_row(std::span<std::uint8_t> cmyk) {
    const bool complete = guarded([this, cmyk] {
      JSAMPROW row = cmyk.data();
      return jpeg_read_scanlines(&info_, &row, 1) == 1;
    });
    if (!complete) throw_truncated();
  }

  void finish() {
    // All rows are there: a missing end marker is fine, an error on the way to it is not.
    guarded([this] { return jpeg_finish_decompress(&info_) != FALSE; });
  }

 private:
  // Runs `step` and turns libjpeg's fatal errors into ImportErrors. longjmp runs no destructors, so `step`
  // must own nothing.
  template <typename Step>
  bool guarded(const Step& step) {
    if (setjmp(escape_) != 0) throw ImportError(fmt::format("broken JPEG: {}", message_.data()));
    return step();
  }

  bool start_decoding() {
    jpeg_create_decompress(&info_);
    info_.src = &source_;
    int status = JPEG_HEADER_TABLES_ONLY;
    while (status == JPEG_HEADER_TABLES_ONLY) status = jpeg_read_header(&info_, FALSE);
    if (status != JPEG_HEADER_OK) return false;
    info_.out_color_space = JCS_CMYK;
    return jpeg_start_decompress(&info_) != FALSE;
  }

  [[noreturn]] void throw_truncated() const {
    throw ImportError(
        fmt::format("truncated JPEG: it ends at row {} of {}", info_.output_scanline, info_.image_height));
  }

  [[noreturn]] static void on_error(j_common_ptr info) {
    auto* self = static_cast<CmykReader*>(info->client_data);
    info->err->format_message(info, self->message_.data());
    std::longjmp(self->escape_, 1);
  }

  static void skip(j_decompress_ptr info, long count) {
    auto& source = *info->src;
    const auto step = std::min(static_cast<std::size_t>(std::max(count, 0L)), source.bytes_in_buffer);
    source.next_input_byte += step;
    source.bytes_in_buffer -= step;
  }

  jpeg_decompress_struct info_{};
  jpeg_error_mgr errors_{};
  jpeg_source_mgr source_{};
  std::jmp_buf escape_{};
  std::array<char, JMSG_LENGTH_MAX> message_{};
};

}  // namespace

RgbImage decode_cmyk_jpeg(Bytes file, int width, int height) {
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

}  // namespace ft::importers
