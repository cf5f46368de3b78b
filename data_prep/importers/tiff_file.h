// libtiff over a file in memory: no global handlers, no output on stderr, bounded allocations.
#pragma once

#include <memory>
#include <string>

#include <tiffio.h>

#include "importers/picture.h"

namespace ft::importers {

class TiffFile {
 public:
  // Opens the first directory; throws ImportError where libtiff refuses.
  explicit TiffFile(Bytes file);
  TiffFile(const TiffFile&) = delete;
  TiffFile& operator=(const TiffFile&) = delete;
  ~TiffFile() = default;

  [[nodiscard]] TIFF* handle() const noexcept { return handle_.get(); }
  // The tag's value, or what the format (or `otherwise`) says where it is missing.
  [[nodiscard]] std::uint16_t short_tag(std::uint32_t tag, std::uint16_t otherwise) const;
  [[nodiscard]] std::uint32_t long_tag(std::uint32_t tag, std::uint32_t otherwise) const;

  // "broken TIFF: <what>: <libtiff's last complaint>".
  [[noreturn]] void fail(const std::string& what) const;

 private:
  struct Close {
    void operator()(TIFF* tiff) const noexcept { TIFFClose(tiff); }
  };

  static tmsize_t read(thandle_t self, void* out, tmsize_t count);
  static toff_t seek(thandle_t self, toff_t offset, int whence);
  static int on_error(TIFF* tiff, void* self, const char* module, const char* format, va_list arguments);

  Bytes file_;
  toff_t position_ = 0;
  std::string complaint_;
  std::unique_ptr<TIFF, Close> handle_;
};

}  // namespace ft::importers
