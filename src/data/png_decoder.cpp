// PNG by libpng: the 8-bit RGB, not interlaced, that ft_pack writes, and nothing else.
#include <array>
#include <csetjmp>
#include <cstddef>
#include <cstdio>
#include <cstring>

#include <fmt/format.h>
#include <png.h>

#include "ft/base/error.h"

#include "decoders.h"

namespace ft {
namespace {

class PngReader {
 public:
  explicit PngReader(std::span<const std::byte> payload) : payload_(payload) {}
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;
  ~PngReader() { png_destroy_read_struct(&png_, &info_, nullptr); }

  void decode(Size size, RgbImage& out) {
    guarded([this] { read_header(); });
    check_dimensions(png_get_image_width(png_, info_), png_get_image_height(png_, info_), size);
    if (png_get_color_type(png_, info_) != PNG_COLOR_TYPE_RGB || png_get_bit_depth(png_, info_) != 8 ||
        png_get_interlace_type(png_, info_) != PNG_INTERLACE_NONE) {
      throw DataError("PNG is not 8-bit RGB without interlacing, the only kind that ft_pack writes");
    }
    out.resize(size.width, size.height);
    guarded([this, &out] { read_pixels(out); });
  }

 private:
  // Runs `step` and turns libpng's errors into DataErrors. longjmp runs no destructors, so `step` and what it
  // calls must own nothing.
  template <typename Step>
  void guarded(const Step& step) {
    if (setjmp(escape_) != 0) {
      throw DataError(fmt::format("PNG is damaged: {} (near byte {} of {})", message_.data(), position_,
                                  payload_.size()));
    }
    step();
  }

  void read_header() {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, on_error, [](png_structp, png_const_charp) {});
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
    if (info_ == nullptr) fail("out of memory");
    png_set_read_fn(png_, this, read);
    png_read_info(png_, info_);
  }

  void read_pixels(RgbImage& out) {
    for (int y = 0; y < out.height(); ++y) png_read_row(png_, out.row(y).data(), nullptr);
    png_read_end(png_, nullptr);
  }

  [[noreturn]] void fail(const char* message) {
    std::snprintf(message_.data(), message_.size(), "%s", message);
    std::longjmp(escape_, 1);
  }

  [[noreturn]] static void on_error(png_structp png, png_const_charp message) {
    static_cast<PngReader*>(png_get_error_ptr(png))->fail(message);
  }

  static void read(png_structp png, png_bytep out, std::size_t count) {
    auto* self = static_cast<PngReader*>(png_get_io_ptr(png));
    if (count > self->payload_.size() - self->position_) png_error(png, "it is truncated");
    std::memcpy(out, self->payload_.data() + self->position_, count);
    self->position_ += count;
  }

  std::span<const std::byte> payload_;
  std::size_t position_ = 0;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  std::jmp_buf escape_{};
  std::array<char, 256> message_{};
};

}  // namespace

void decode_png(std::span<const std::byte> payload, Size size, RgbImage& out) {
  PngReader(payload).decode(size, out);
}

}  // namespace ft
