#include "importers/container.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include <fmt/format.h>

#include "importers/byte_cursor.h"

namespace ft::importers {
namespace {

using namespace std::string_view_literals;

struct Signature {
  std::string_view bytes;
  Container container;
};

constexpr std::array kSupported = std::to_array<Signature>({
    {"\xFF\xD8\xFF"sv, Container::kJpeg},
    {"\x89PNG\r\n\x1A\n"sv, Container::kPng},
    {"GIF87a"sv, Container::kGif},
    {"GIF89a"sv, Container::kGif},
    {"BM"sv, Container::kBmp},
    {"MM\0\x2A"sv, Container::kTiff},
    {"II\x2A\0"sv, Container::kTiff},
    {"MM\0\x2B"sv, Container::kTiff},
    {"II\x2B\0"sv, Container::kTiff},
});

struct Known {
  std::size_t at;
  std::string_view bytes;
  std::string_view verdict;
};

// First match wins. What scrapers and cameras leave among photographs.
constexpr std::array kOthers = std::to_array<Known>({
    {0, "8BPS"sv, "unsupported: PSD"},
    {4, "ftypavif"sv, "unsupported: AVIF"},
    {4, "ftypavis"sv, "unsupported: AVIF"},
    {4, "ftyphei"sv, "unsupported: HEIC"},
    {4, "ftyphev"sv, "unsupported: HEIC"},
    {4, "ftypmif1"sv, "unsupported: HEIF"},
    {4, "ftypcrx"sv, "unsupported: CR3 raw"},
    {4, "ftyp"sv, "not an image: MP4 video"},
    {0, "\0\0\0\x0CJXL \r\n\x87\n"sv, "unsupported: JPEG XL"},
    {0, "\xFF\x0A"sv, "unsupported: JPEG XL"},
    {0, "\0\0\0\x0CjP  \r\n\x87\n"sv, "unsupported: JPEG 2000"},
    {0, "\xFF\x4F\xFF\x51"sv, "unsupported: JPEG 2000"},
    {0, "II\xBC\x01"sv, "unsupported: JPEG XR"},
    {0, "MM\x2A\0"sv, "unsupported: TIFF with its bytes in the wrong order"},
    {0, "II\0\x2A"sv, "unsupported: TIFF with its bytes in the wrong order"},
    {0, "\0\0\1\0"sv, "unsupported: ICO"},
    {0, "\0\0\2\0"sv, "unsupported: CUR"},
    {0, "icns"sv, "unsupported: ICNS"},
    {0, "qoif"sv, "unsupported: QOI"},
    {0, "DDS "sv, "unsupported: DDS"},
    {0, "FLIF"sv, "unsupported: FLIF"},
    {0, "gimp xcf"sv, "unsupported: XCF"},
    {0, "\x76\x2F\x31\x01"sv, "unsupported: OpenEXR"},
    {0, "#?RADIANCE"sv, "unsupported: Radiance HDR"},
    {0, "\x0A\x05\x01"sv, "unsupported: PCX"},
    {0, "\x28\0\0\0"sv, "unsupported: DIB (a BMP without its file header)"},
    {0, "%PDF"sv, "not an image: PDF"},
    {0, "%!PS"sv, "unsupported: PostScript"},
    {0, "PK\x03\x04"sv, "not an image: ZIP"},
    {0, "\x1F\x8B"sv, "not an image: gzip"},
    {0, "\x89HDF\r\n\x1A\n"sv, "not an image: HDF5"},
    {0, "\x1A\x45\xDF\xA3"sv, "not an image: Matroska or WebM video"},
    {0, "RIFF"sv, "not an image: RIFF"},
    {0, "\0\5\x16\7"sv, "not an image: macOS resource fork"},
});

bool matches(Bytes file, std::size_t at, std::string_view bytes) {
  return file.size() >= at + bytes.size() &&
         std::equal(
             bytes.begin(), bytes.end(), file.begin() + static_cast<std::ptrdiff_t>(at),
             [](char expected, std::uint8_t found) { return static_cast<std::uint8_t>(expected) == found; });
}

bool is_webp(Bytes file) {
  return matches(file, 0, "RIFF") && matches(file, 8, "WEBP") &&
         (matches(file, 12, "VP8 ") || matches(file, 12, "VP8L") || matches(file, 12, "VP8X"));
}

// P1 to P7 and a blank: Netpbm has no better signature.
bool is_netpbm(Bytes file) {
  return file.size() > 2 && file[0] == 'P' && file[1] >= '1' && file[1] <= '7' && std::isspace(file[2]) != 0;
}

// Nothing where the file is no text. Servers' error pages, saved as pictures, are what this is about.
std::string_view name_text(Bytes file) {
  constexpr std::size_t kLookAt = 512;
  constexpr std::uint8_t kByteOrderMark = 0xEF;
  if (file[0] >= 0x80 && file[0] != kByteOrderMark) return {};
  std::string head;
  for (const std::uint8_t c : file.first(std::min(file.size(), kLookAt))) {
    if (c < 0x20 && std::isspace(c) == 0) return {};
    head += static_cast<char>(std::tolower(c));
  }
  const std::size_t start = head.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  const std::string_view text =
      start == std::string::npos ? std::string_view{} : std::string_view(head).substr(start);
  if (text.find("<svg") != std::string_view::npos) return "unsupported: SVG";
  if (text.starts_with("<!doctype html") || text.find("<html") != std::string_view::npos)
    return "not an image: HTML";
  if (text.starts_with("<")) return "not an image: XML or HTML";
  if (text.starts_with("{") || text.starts_with("[")) return "not an image: JSON";
  if (text.starts_with("version https://git-lfs")) return "not an image: a Git LFS pointer";
  return "not an image: text";
}

std::string first_bytes(Bytes file) {
  std::string text;
  for (const std::uint8_t byte : file.first(std::min<std::size_t>(file.size(), 4)))
    text += fmt::format(" {:02x}", byte);
  return text;
}

}  // namespace

const char* name_of(Container container) {
  switch (container) {
    case Container::kJpeg:
      return "JPEG";
    case Container::kPng:
      return "PNG";
    case Container::kGif:
      return "GIF";
    case Container::kBmp:
      return "BMP";
    case Container::kTiff:
      return "TIFF";
    case Container::kWebp:
      return "WebP";
  }
  return "?";
}

Container tell_container(Bytes file) {
  if (file.empty()) throw ImportError("not an image: an empty file");
  for (const Signature& signature : kSupported) {
    if (matches(file, 0, signature.bytes)) return signature.container;
  }
  if (is_webp(file)) return Container::kWebp;
  for (const Known& other : kOthers) {
    if (matches(file, other.at, other.bytes)) throw ImportError(std::string(other.verdict));
  }
  if (is_netpbm(file)) throw ImportError("unsupported: Netpbm");
  if (const std::string_view verdict = name_text(file); !verdict.empty())
    throw ImportError(std::string(verdict));
  throw ImportError(fmt::format("not an image: unknown content that begins with{}", first_bytes(file)));
}

}  // namespace ft::importers
