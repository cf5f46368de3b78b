#include "importers/bmp_header.h"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>

namespace ft::importers {
namespace {

constexpr std::uint32_t kFileHeaderBytes = 14;
constexpr std::uint32_t kOs2HeaderBytes = 12;

enum Compression : std::uint32_t { kNone = 0, kRle8 = 1, kRle4 = 2, kBitFields = 3 };

// What the information header says, whichever of its seven versions it is.
struct Information {
  std::uint32_t header_bytes = 0;
  std::uint32_t width = 0, height = 0;
  int bits = 0;
  std::uint32_t compression = kNone;
  std::uint32_t colours = 0;
  std::uint32_t colour_bytes = 4;
  bool top_down = false;
  std::array<std::uint32_t, 4> masks{};  // red, green, blue, alpha
};

void read_masks(ByteCursor& cursor, Bytes body, Information& info) {
  constexpr std::size_t kMasksAt = 36;
  if (body.size() < kMasksAt + 12) {
    // The 40-byte header is followed by three masks of its own.
    for (std::size_t i = 0; i < 3; ++i) info.masks[i] = cursor.le32();
    return;
  }
  const std::size_t masks = body.size() >= kMasksAt + 16 ? 4 : 3;
  for (std::size_t i = 0; i < masks; ++i) info.masks[i] = load_le32(body, kMasksAt + 4 * i);
}

Information read_information(ByteCursor& cursor) {
  Information info;
  info.header_bytes = cursor.le32();
  constexpr std::array<std::uint32_t, 7> kKnown{kOs2HeaderBytes, 40, 52, 56, 64, 108, 124};
  if (std::ranges::find(kKnown, info.header_bytes) == kKnown.end()) {
    throw ImportError(fmt::format("unsupported: BMP with a header of {} bytes", info.header_bytes));
  }
  const Bytes body = cursor.take(info.header_bytes - 4);
  if (info.header_bytes == kOs2HeaderBytes) {
    info.width = load_le16(body, 0);
    info.height = load_le16(body, 2);
    info.bits = static_cast<int>(load_le16(body, 6));
    info.colour_bytes = 3;
  } else {
    // Pillow's test for a negative height; the heights that it gets wrong are refused by size.
    info.top_down = body[7] == 0xFF;
    info.width = load_le32(body, 0);
    info.height = info.top_down ? 0U - load_le32(body, 4) : load_le32(body, 4);
    info.bits = static_cast<int>(load_le16(body, 10));
    info.compression = load_le32(body, 12);
    info.colours = load_le32(body, 28);
    if (info.compression == kBitFields) read_masks(cursor, body, info);
  }
  if (info.colours == 0) info.colours = info.bits < 32 ? 1U << static_cast<unsigned>(info.bits) : 0U;
  return info;
}

// 32-bit pixels by their masks: the bytes that hold red, green and blue.
std::optional<std::array<int, 3>> byte_order(const std::array<std::uint32_t, 4>& masks) {
  struct Layout {
    std::array<std::uint32_t, 4> masks;
    std::array<int, 3> bytes;
  };
  static constexpr std::array<Layout, 8> kLayouts{{
      {{0xFF0000, 0xFF00, 0xFF, 0}, {2, 1, 0}},
      {{0xFF000000, 0xFF0000, 0xFF00, 0}, {3, 2, 1}},
      {{0xFF000000, 0xFF00, 0xFF, 0}, {3, 1, 0}},
      {{0xFF000000, 0xFF0000, 0xFF00, 0xFF}, {3, 2, 1}},
      {{0xFF, 0xFF00, 0xFF0000, 0xFF000000}, {0, 1, 2}},
      {{0xFF0000, 0xFF00, 0xFF, 0xFF000000}, {2, 1, 0}},
      {{0xFF000000, 0xFF00, 0xFF, 0xFF0000}, {3, 1, 0}},
      {{0, 0, 0, 0}, {2, 1, 0}},
  }};
  const auto* const found = std::ranges::find(kLayouts, masks, &Layout::masks);
  if (found == kLayouts.end()) return std::nullopt;
  return found->bytes;
}

RowFormat bit_field_rows(const Information& info) {
  const std::array<std::uint32_t, 3> rgb{info.masks[0], info.masks[1], info.masks[2]};
  if (info.bits == 32) {
    if (const auto order = byte_order(info.masks)) return byte_rows(4, (*order)[0], (*order)[1], (*order)[2]);
  } else if (info.bits == 24 && rgb == std::array<std::uint32_t, 3>{0xFF0000, 0xFF00, 0xFF}) {
    return byte_rows(3, 2, 1, 0);
  } else if (info.bits == 16 && rgb == std::array<std::uint32_t, 3>{0xF800, 0x7E0, 0x1F}) {
    return packed16_rows(6);
  } else if (info.bits == 16 && rgb == std::array<std::uint32_t, 3>{0x7C00, 0x3E0, 0x1F}) {
    return packed16_rows(5);
  }
  throw ImportError(fmt::format("unsupported: BMP of {} bits with masks {:08x} {:08x} {:08x} {:08x}",
                                info.bits, info.masks[0], info.masks[1], info.masks[2], info.masks[3]));
}

// A colour table that is a grey ramp (or black and white) is ignored by Pillow, which then takes the pixels
// to have the ramp's natural width, whatever the header says.
bool is_grey_ramp(Bytes table, std::uint32_t colours, std::uint32_t colour_bytes) {
  for (std::uint32_t i = 0; i < colours; ++i) {
    const std::size_t at = std::size_t{i} * colour_bytes;
    const auto value = static_cast<std::uint8_t>(colours == 2 ? i * 255 : i);
    if (at + 3 > table.size()) return false;
    if (!std::ranges::all_of(table.subspan(at, 3), [value](std::uint8_t v) { return v == value; }))
      return false;
  }
  return true;
}

void read_colour_table(ByteCursor& cursor, const Information& info, BmpHeader& header) {
  constexpr std::uint32_t kMostColours = 65536;
  if (info.colours == 0 || info.colours > kMostColours) {
    throw ImportError(fmt::format("broken BMP: a palette of {} colours", info.colours));
  }
  const Bytes table = cursor.take_up_to(std::size_t{info.colour_bytes} * info.colours);
  if (is_grey_ramp(table, info.colours, info.colour_bytes)) {
    const bool two = info.colours <= 2;
    header.mode = two ? "1" : "L";
    header.palette = grey_ramp(8);
    if (two)
      std::fill(header.palette.begin() + 1, header.palette.end(), std::array<std::uint8_t, 3>{255, 255, 255});
    header.rows = indexed_rows(two ? 1 : 8, two ? grey_ramp(1) : header.palette);
    return;
  }
  if (table.size() / info.colour_bytes > 256)
    throw ImportError("broken BMP: a palette of more than 256 colours");
  header.mode = "P";
  for (std::size_t i = 0; i < table.size() / info.colour_bytes; ++i) {
    const Bytes bgr = table.subspan(i * info.colour_bytes, 3);
    header.palette[i] = {bgr[2], bgr[1], bgr[0]};
  }
  header.rows = indexed_rows(info.bits, header.palette);
}

RowFormat direct_rows(int bits) {
  switch (bits) {
    case 16:
      return packed16_rows(5);
    case 24:
      return byte_rows(3, 2, 1, 0);
    default:
      return byte_rows(4, 2, 1, 0);
  }
}

}  // namespace

BmpHeader read_bmp_header(Bytes file) {
  ByteCursor cursor(file, "BMP");
  cursor.skip(10);  // the magic, the file's size and two reserved words
  std::size_t offset = cursor.le32();
  const Information info = read_information(cursor);
  check_declared_size("BMP", info.width, info.height);
  const bool has_table = info.bits == 1 || info.bits == 4 || info.bits == 8;
  if (!has_table && info.bits != 16 && info.bits != 24 && info.bits != 32) {
    throw ImportError(fmt::format("unsupported: BMP of {} bits a pixel", info.bits));
  }
  // Some writers forget to count the colour table into the offset.
  if (offset == kFileHeaderBytes + info.header_bytes && info.bits <= 8) {
    offset += std::size_t{info.colour_bytes} * info.colours;
  }

  BmpHeader header;
  header.width = info.width;
  header.height = info.height;
  header.bits = info.bits;
  header.bottom_up = !info.top_down;
  header.run_length = info.compression == kRle8 || info.compression == kRle4;
  header.run_length_nibbles = info.compression == kRle4;
  if (info.compression > kBitFields) {
    throw ImportError(fmt::format("unsupported: BMP with compression {}", info.compression));
  }
  header.rows = info.compression == kBitFields ? bit_field_rows(info) : direct_rows(info.bits);
  if (has_table) read_colour_table(cursor, info, header);
  header.pixel_offset = offset != 0 ? offset : cursor.position();
  return header;
}

}  // namespace ft::importers
