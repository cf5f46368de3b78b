#include "importers/lossless.h"

#include <array>
#include <csetjmp>
#include <cstdio>

#include <fmt/format.h>
#include <png.h>

namespace ft::importers {
namespace {

constexpr std::size_t kMostRawBytes = 16384;
constexpr int kMostPngSide = 1'000'000;  // libpng's default limit, which the reader keeps
constexpr int kCompressionLevel = 6;

class PngWriter {
 public:
  PngWriter() = default;
  PngWriter(const PngWriter&) = delete;
  PngWriter& operator=(const PngWriter&) = delete;
  ~PngWriter() { png_destroy_write_struct(&png_, &info_); }

  [[nodiscard]] std::vector<std::byte> write(const RgbImage& image) {
    // longjmp runs no destructors: nothing between here and libpng owns anything that lives across a call.
    if (setjmp(escape_) != 0) throw ImportError(fmt::format("cannot write PNG: {}", message_.data()));
    write_all(image);
    return std::move(out_);
  }

 private:
  void write_all(const RgbImage& image) {
    png_ =
        png_create_write_struct(PNG_LIBPNG_VER_STRING, this, on_error, [](png_structp, png_const_charp) {});
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
    if (info_ == nullptr) fail("out of memory");
    png_set_write_fn(png_, this, append, [](png_structp) {});
    png_set_compression_level(png_, kCompressionLevel);
    png_set_IHDR(png_, info_, static_cast<png_uint_32>(image.width()),
                 static_cast<png_uint_32>(image.height()), 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png_, info_);
    for (int y = 0; y < image.height(); ++y) png_write_row(png_, image.row(y).data());
    png_write_end(png_, info_);
  }

  [[noreturn]] void fail(const char* message) {
    std::snprintf(message_.data(), message_.size(), "%s", message);
    std::longjmp(escape_, 1);
  }

  [[noreturn]] static void on_error(png_structp png, png_const_charp message) {
    static_cast<PngWriter*>(png_get_error_ptr(png))->fail(message);
  }

  static void append(png_structp png, png_bytep data, std::size_t count) {
    auto* self = static_cast<PngWriter*>(png_get_io_ptr(png));
    const auto* bytes = reinterpret_cast<const std::byte*>(data);
    self->out_.insert(self->out_.end(), bytes, bytes + count);
  }

  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  std::vector<std::byte> out_;
  std::jmp_buf escape_{};
  std::array<char, 256> message_{};
};

}  // namespace

Codec lossless_codec(const RgbImage& image) {
  const bool raw =
      image.pixels().size() <= kMostRawBytes || image.width() > kMostPngSide || image.height() > kMostPngSide;
  return raw ? Codec::kRaw : Codec::kPng;
}

std::vector<std::byte> encode_png(const RgbImage& image) {
  return PngWriter().write(image);
}

}  // namespace ft::importers
