#include "ft/data/jpeg_library.h"

#include <algorithm>

#include <fmt/format.h>

#include "ft/base/error.h"

namespace ft {
namespace {

void skip(j_decompress_ptr info, long count) {
  auto& source = *info->src;
  const auto step = std::min(static_cast<std::size_t>(std::max(count, 0L)), source.bytes_in_buffer);
  source.next_input_byte += step;
  source.bytes_in_buffer -= step;
}

}  // namespace

JpegDecompressor::JpegDecompressor(std::span<const std::byte> stream) : bytes_(stream.size()) {
  info_.err = jpeg_std_error(&errors_);
  errors_.error_exit = on_error;
  errors_.output_message = [](j_common_ptr) {};
  info_.client_data = this;
  source_.next_input_byte = reinterpret_cast<const JOCTET*>(stream.data());
  source_.bytes_in_buffer = stream.size();
  source_.init_source = [](j_decompress_ptr) {};
  source_.fill_input_buffer = [](j_decompress_ptr) -> boolean { return FALSE; };
  source_.skip_input_data = skip;
  source_.resync_to_restart = jpeg_resync_to_restart;
  source_.term_source = [](j_decompress_ptr) {};
}

bool JpegDecompressor::read_header() {
  jpeg_create_decompress(&info_);
  info_.src = &source_;
  int status = JPEG_HEADER_TABLES_ONLY;
  while (status == JPEG_HEADER_TABLES_ONLY) status = jpeg_read_header(&info_, FALSE);
  return status == JPEG_HEADER_OK;
}

void JpegDecompressor::throw_damaged() const {
  throw DataError(fmt::format("JPEG is damaged: {} (near byte {} of {})", message_.data(),
                              bytes_ - source_.bytes_in_buffer, bytes_));
}

void JpegDecompressor::throw_truncated() const {
  throw DataError(fmt::format("JPEG is truncated: it ends after {} bytes at row {} of {}", bytes_,
                              info_.output_scanline, info_.image_height));
}

void JpegDecompressor::on_error(j_common_ptr info) {
  auto* self = static_cast<JpegDecompressor*>(info->client_data);
  info->err->format_message(info, self->message_.data());
  std::longjmp(self->escape_, 1);
}

}  // namespace ft
