// The little of libjpeg's interface that needs taming: fatal errors as DataErrors, no printing, and a source
// that suspends at its end, so that a stream which stops early is refused where libjpeg's own memory source
// would invent grey.
#pragma once

#include <array>
#include <csetjmp>
#include <cstddef>
#include <cstdio>  // jpeglib.h needs it
#include <span>

#include <jpeglib.h>

namespace ft {

// One picture being decompressed from memory that outlives this.
class JpegDecompressor {
 public:
  explicit JpegDecompressor(std::span<const std::byte> stream);
  JpegDecompressor(const JpegDecompressor&) = delete;
  JpegDecompressor& operator=(const JpegDecompressor&) = delete;
  ~JpegDecompressor() { jpeg_destroy_decompress(&info_); }

  [[nodiscard]] jpeg_decompress_struct& info() noexcept { return info_; }

  // Runs `step`, which calls libjpeg and returns false where the stream ended first. DataError for that, and
  // for libjpeg's fatal errors. They arrive by longjmp, which runs no destructors, so `step` and what it
  // calls must own nothing.
  template <typename Step>
  void run(const Step& step) {
    if (setjmp(escape_) != 0) throw_damaged();
    if (!step()) throw_truncated();
  }

  // A step for run(): creates the decompressor, and reads up to the picture's data.
  [[nodiscard]] bool read_header();

 private:
  [[noreturn]] void throw_damaged() const;
  [[noreturn]] void throw_truncated() const;
  [[noreturn]] static void on_error(j_common_ptr info);

  std::size_t bytes_;
  jpeg_decompress_struct info_{};
  jpeg_error_mgr errors_{};
  jpeg_source_mgr source_{};
  std::jmp_buf escape_{};
  std::array<char, JMSG_LENGTH_MAX> message_{};
};

}  // namespace ft
