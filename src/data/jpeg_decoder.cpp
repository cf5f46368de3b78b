// JPEG by libjpeg-turbo, with Pillow's choices: accurate integer IDCT, fancy upsampling (both the library's
// defaults), corrupt-data warnings tolerated, and a source that suspends at its end, so that a stream which
// stops early is refused where libjpeg's own memory source would invent grey.
#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstddef>
#include <cstdio>  // jpeglib.h needs it

#include <fmt/format.h>
#include <jpeglib.h>

#include "ft/base/error.h"

#include "decoders.h"

namespace ft {
namespace {

class JpegReader {
 public:
  explicit JpegReader(std::span<const std::byte> payload) : bytes_(payload.size()) {
    info_.err = jpeg_std_error(&errors_);
    errors_.error_exit = on_error;
    errors_.output_message = [](j_common_ptr) {};
    info_.client_data = this;
    source_.next_input_byte = reinterpret_cast<const JOCTET*>(payload.data());
    source_.bytes_in_buffer = payload.size();
    source_.init_source = [](j_decompress_ptr) {};
    source_.fill_input_buffer = [](j_decompress_ptr) -> boolean { return FALSE; };
    source_.skip_input_data = skip;
    source_.resync_to_restart = jpeg_resync_to_restart;
    source_.term_source = [](j_decompress_ptr) {};
  }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;
  ~JpegReader() { jpeg_destroy_decompress(&info_); }

  void decode(int width, int height, RgbImage& out) {
    const bool has_header = guarded([this] { return read_header(); });
    if (!has_header) throw_truncated();
    if (info_.num_components != 1 && info_.num_components != 3) {
      throw DataError(
          fmt::format("JPEG with {} colour components; a set holds grey and RGB", info_.num_components));
    }
    check_dimensions(info_.image_width, info_.image_height, width, height);
    out.resize(width, height);
    const bool complete = guarded([this, &out] { return read_pixels(out); });
    if (!complete) throw_truncated();
  }

 private:
  // Runs `step` and turns libjpeg's fatal errors into DataErrors. longjmp runs no destructors, so `step` and
  // what it calls must own nothing.
  template <typename Step>
  bool guarded(const Step& step) {
    if (setjmp(escape_) != 0) {
      throw DataError(fmt::format("JPEG is damaged: {} (near byte {} of {})", message_.data(),
                                  bytes_ - source_.bytes_in_buffer, bytes_));
    }
    return step();
  }

  // False where the stream ended first; so is read_pixels.
  bool read_header() {
    jpeg_create_decompress(&info_);
    info_.src = &source_;
    int status = JPEG_HEADER_TABLES_ONLY;
    while (status == JPEG_HEADER_TABLES_ONLY) status = jpeg_read_header(&info_, FALSE);
    return status == JPEG_HEADER_OK;
  }

  bool read_pixels(RgbImage& out) {
    info_.out_color_space = JCS_RGB;
    if (jpeg_start_decompress(&info_) == FALSE) return false;
    while (info_.output_scanline < info_.output_height) {
      JSAMPROW row = out.row(static_cast<int>(info_.output_scanline)).data();
      if (jpeg_read_scanlines(&info_, &row, 1) == 0) return false;
    }
    // All pixels are there: a missing end marker is no reason to refuse, an error on the way to it is.
    jpeg_finish_decompress(&info_);
    return true;
  }

  [[noreturn]] void throw_truncated() const {
    throw DataError(fmt::format("JPEG is truncated: it ends after {} bytes at row {} of {}", bytes_,
                                info_.output_scanline, info_.image_height));
  }

  [[noreturn]] static void on_error(j_common_ptr info) {
    auto* self = static_cast<JpegReader*>(info->client_data);
    info->err->format_message(info, self->message_.data());
    std::longjmp(self->escape_, 1);
  }

  static void skip(j_decompress_ptr info, long count) {
    auto& source = *info->src;
    const auto step = std::min(static_cast<std::size_t>(std::max(count, 0L)), source.bytes_in_buffer);
    source.next_input_byte += step;
    source.bytes_in_buffer -= step;
  }

  std::size_t bytes_;
  jpeg_decompress_struct info_{};
  jpeg_error_mgr errors_{};
  jpeg_source_mgr source_{};
  std::jmp_buf escape_{};
  std::array<char, JMSG_LENGTH_MAX> message_{};
};

}  // namespace

void decode_jpeg(std::span<const std::byte> payload, int width, int height, RgbImage& out) {
  JpegReader(payload).decode(width, height, out);
}

}  // namespace ft
