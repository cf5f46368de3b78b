#include "importers/tiff_file.h"

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>

#include <fmt/format.h>

namespace ft::importers {
namespace {

// More than any strip of a picture within the limit of pixels; far less than what a damaged tag may ask for.
constexpr tmsize_t kMostBytesAtOnce = tmsize_t{1} << 31;

}  // namespace

TiffFile::TiffFile(Bytes file) : file_(file) {
  const std::unique_ptr<TIFFOpenOptions, decltype(&TIFFOpenOptionsFree)> options(TIFFOpenOptionsAlloc(),
                                                                                 &TIFFOpenOptionsFree);
  if (options == nullptr) throw std::bad_alloc();
  TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), kMostBytesAtOnce);
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), on_error, this);
  TIFFOpenOptionsSetWarningHandlerExtR(
      options.get(), [](TIFF*, void*, const char*, const char*, va_list) { return 1; }, nullptr);
  handle_.reset(TIFFClientOpenExt(
      // m: no memory map. Strips are read through `read`, which checks bounds.
      "TIFF", "rm", this, read, [](thandle_t, void*, tmsize_t) -> tmsize_t { return 0; }, seek,
      [](thandle_t) { return 0; },
      [](thandle_t self) -> toff_t { return static_cast<TiffFile*>(self)->file_.size(); }, nullptr, nullptr,
      options.get()));
  if (handle_ == nullptr) fail("unreadable directory");
}

std::uint16_t TiffFile::short_tag(std::uint32_t tag, std::uint16_t otherwise) const {
  std::uint16_t value = otherwise;
  return TIFFGetFieldDefaulted(handle(), tag, &value) == 1 ? value : otherwise;
}

std::uint32_t TiffFile::long_tag(std::uint32_t tag, std::uint32_t otherwise) const {
  std::uint32_t value = otherwise;
  return TIFFGetFieldDefaulted(handle(), tag, &value) == 1 ? value : otherwise;
}

void TiffFile::fail(const std::string& what) const {
  throw ImportError(fmt::format("broken TIFF: {}{}{}", what, complaint_.empty() ? "" : ": ", complaint_));
}

tmsize_t TiffFile::read(thandle_t self, void* out, tmsize_t count) {
  auto& tiff = *static_cast<TiffFile*>(self);
  if (count <= 0 || tiff.position_ >= tiff.file_.size()) return 0;
  const Bytes rest = tiff.file_.subspan(tiff.position_);
  const std::size_t bytes = std::min(rest.size(), static_cast<std::size_t>(count));
  std::copy_n(rest.begin(), bytes, static_cast<std::uint8_t*>(out));
  tiff.position_ += bytes;
  return static_cast<tmsize_t>(bytes);
}

toff_t TiffFile::seek(thandle_t self, toff_t offset, int whence) {
  auto& tiff = *static_cast<TiffFile*>(self);
  if (whence == SEEK_CUR) offset += tiff.position_;
  if (whence == SEEK_END) offset += tiff.file_.size();
  tiff.position_ = offset;
  return offset;
}

int TiffFile::on_error(TIFF* /*tiff*/, void* self, const char* /*module*/, const char* format,
                       va_list arguments) {
  std::array<char, 256> text{};
  std::vsnprintf(text.data(), text.size(), format, arguments);
  static_cast<TiffFile*>(self)->complaint_ = text.data();
  return 1;  // and nothing is printed
}

}  // namespace ft::importers
