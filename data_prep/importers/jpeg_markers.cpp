#include "importers/jpeg_markers.h"

#include <algorithm>
#include <array>
#include <cstring>

#include <fmt/format.h>

#include "importers/byte_cursor.h"
#include "importers/exif.h"

namespace ft::importers {
namespace {

// Second bytes of markers.
enum Marker : std::uint8_t {
  kStuffing = 0x00,
  kFirstKnown = 0xC0,
  kProgressiveFrame = 0xC2,
  kLosslessFrame = 0xC3,
  kHuffmanTables = 0xC4,
  kExtension = 0xC8,
  kProgressiveArithmeticFrame = 0xCA,
  kArithmeticTables = 0xCC,
  kLastFrame = 0xCF,
  kFirstRestart = 0xD0,
  kEndOfImage = 0xD9,
  kScan = 0xDA,
  kQuantisationTables = 0xDB,
  kHierarchy = 0xDE,
  kApp0 = 0xE0,
  kExif = 0xE1,
  kAdobe = 0xEE,
  kFirstReserved = 0xF0,
  kLastReserved = 0xFD,
  kPadding = 0xFF,
};

// Legitimate progressive files have about ten scans. Each costs a pass over the whole picture, so that a
// small file with many would keep a decoder busy for hours.
constexpr std::size_t kMostScans = 500;
constexpr std::uint64_t kMostScannedPixels = std::uint64_t{1} << 32U;

bool stands_alone(std::uint8_t marker) {
  return marker == kExtension || (marker >= kFirstRestart && marker <= kEndOfImage) ||
         (marker >= kFirstReserved && marker <= kLastReserved);
}

bool starts_frame(std::uint8_t marker) {
  return (marker >= kFirstKnown && marker <= kLastFrame && marker != kHuffmanTables && marker != kExtension &&
          marker != kArithmeticTables) ||
         marker == kHierarchy;
}

bool starts_with(Bytes data, std::string_view text) {
  return data.size() >= text.size() && std::equal(text.begin(), text.end(), data.begin());
}

void read_frame(Bytes data, std::uint8_t marker, JpegHeader& header) {
  if (marker == kLosslessFrame) throw ImportError("unsupported: lossless JPEG");
  if (data.size() < 6) throw ImportError("broken JPEG: frame header cut short");
  const int bits = data[0];
  header.height = static_cast<int>(load_be16(data, 1));
  header.width = static_cast<int>(load_be16(data, 3));
  header.components = data[5];
  header.progressive = marker == kProgressiveFrame || marker == kProgressiveArithmeticFrame;
  if (bits != 8) throw ImportError(fmt::format("unsupported: JPEG of {} bits a sample", bits));
  if (header.components != 1 && header.components != 3 && header.components != 4) {
    throw ImportError(fmt::format("unsupported: JPEG of {} components", header.components));
  }
}

void check_quantisation_tables(Bytes data) {
  while (!data.empty()) {
    const std::size_t bytes = 1 + (data[0] >> 4U == 0 ? std::size_t{64} : std::size_t{128});
    if (data.size() < bytes) throw ImportError("broken JPEG: quantisation table cut short");
    data = data.subspan(bytes);
  }
}

void read_segment(std::uint8_t marker, Bytes data, JpegHeader& header) {
  if (starts_frame(marker)) {
    read_frame(data, marker, header);
  } else if (marker == kQuantisationTables) {
    check_quantisation_tables(data);
  } else if (marker == kExif && starts_with(data, {"Exif\0\0", 6})) {
    header.exif_oriented = header.exif_oriented || asks_for_orientation(data);
  } else if ((marker == kApp0 && starts_with(data, "JFIF")) ||
             (marker == kAdobe && starts_with(data, "Adobe"))) {
    if (data.size() < 7) throw ImportError("broken JPEG: application segment cut short");
  }
}

// The marker that follows, over fill bytes and junk between segments, as libjpeg and Pillow skip them.
std::uint8_t next_marker(ByteCursor& cursor) {
  while (true) {
    while (cursor.byte() != kPadding) {
    }
    std::uint8_t marker = kPadding;
    while (marker == kPadding) marker = cursor.byte();
    if (marker == kStuffing) continue;
    if (marker < kFirstKnown) {
      throw ImportError(
          fmt::format("broken JPEG: unknown marker ff{:02x} at byte {}", marker, cursor.position() - 2));
    }
    return marker;
  }
}

// Between the first scan and the end, 0xFF is always followed by a zero or is a marker.
std::size_t count_scans(Bytes scans, std::uint64_t pixels) {
  std::size_t count = 1;
  while (scans.size() >= 2) {
    const void* const found = std::memchr(scans.data(), kPadding, scans.size() - 1);
    if (found == nullptr) break;
    scans =
        scans.subspan(static_cast<std::size_t>(static_cast<const std::uint8_t*>(found) - scans.data()) + 1);
    if (scans[0] == kEndOfImage) break;
    if (scans[0] == kScan && ++count > kMostScans) {
      throw ImportError(fmt::format("too costly: JPEG of more than {} scans", kMostScans));
    }
    if (count * pixels > kMostScannedPixels) {
      throw ImportError(
          fmt::format("too costly: JPEG of {} pixels in more than {} scans", pixels, count - 1));
    }
  }
  return count;
}

}  // namespace

JpegHeader read_jpeg_header(Bytes file) {
  ByteCursor cursor(file, "JPEG");
  cursor.seek(2);  // behind the start marker
  JpegHeader header;
  int in_first_scan = 0;
  while (true) {
    const std::uint8_t marker = next_marker(cursor);
    if (stands_alone(marker)) continue;
    const std::size_t length = load_be16(cursor.take(2));
    // A length that does not even count itself is taken as no data.
    const Bytes data = cursor.take(length > 2 ? length - 2 : 0);
    if (marker == kScan) {
      in_first_scan = data.empty() ? 0 : data[0];
      break;
    }
    read_segment(marker, data, header);
  }
  if (header.components == 0) throw ImportError("broken JPEG: a scan before the frame header");
  const auto width = static_cast<std::uint64_t>(header.width);
  const auto height = static_cast<std::uint64_t>(header.height);
  check_declared_size("JPEG", width, height);
  const std::size_t scans = count_scans(file.subspan(cursor.position()), width * height);
  // RGB, and where a scan does not bring whole pixels every coefficient: two bytes each, three components.
  const bool buffered = header.progressive || scans > 1 || in_first_scan < header.components;
  check_memory("JPEG", width * height * (buffered ? 9 : 3), file.size());
  return header;
}

}  // namespace ft::importers
