// The first frame of a GIF, by Pillow's rules rather than a viewer's: what the frame does not cover shows its
// transparent colour, or colour 0.
#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "importers/byte_cursor.h"
#include "importers/gif_lzw.h"
#include "importers/picture.h"
#include "importers/row_format.h"

namespace ft::importers {
namespace {

constexpr int kImageBlock = ',';
constexpr int kExtensionBlock = '!';
constexpr int kTrailer = ';';
constexpr int kGraphicControl = 249;
constexpr int kComment = 254;
constexpr int kApplication = 255;

[[noreturn]] void throw_broken(const std::string& what) {
  throw ImportError(fmt::format("broken GIF: {}", what));
}

// Where the table is the grey ramp, Pillow has mode L, not P.
struct ColourTable {
  Palette palette{};
  bool grey = true;
};

ColourTable read_colour_table(ByteCursor& cursor, unsigned flags) {
  const std::size_t colours = std::size_t{2} << (flags & 7U);
  const Bytes entries = cursor.take(3 * colours);
  ColourTable table;
  for (std::size_t i = 0; i < colours; ++i) {
    const Bytes entry = entries.subspan(3 * i, 3);
    std::ranges::copy(entry, table.palette[i].begin());
    table.grey = table.grey && std::ranges::all_of(entry, [i](std::uint8_t value) { return value == i; });
  }
  return table;
}

// A data sub-block; empty is the terminator, or the end of the file.
Bytes read_sub_block(ByteCursor& cursor) {
  const Bytes size = cursor.take_up_to(1);
  return size.empty() ? Bytes{} : cursor.take_up_to(size[0]);
}

void skip_sub_blocks(ByteCursor& cursor) {
  while (!read_sub_block(cursor).empty()) {
  }
}

// Reads one extension and returns the transparent colour if it names one.
std::optional<std::uint8_t> read_extension(ByteCursor& cursor) {
  const int label = cursor.byte();
  const Bytes block = read_sub_block(cursor);
  std::optional<std::uint8_t> transparent;
  if (label == kGraphicControl && !block.empty()) {
    const bool names_colour = (block[0] & 1U) != 0;
    if (block.size() < (names_colour ? 4U : 3U)) throw_broken("graphic control block cut short");
    if (names_colour) transparent = block[3];
  } else if (label == kComment && block.empty()) {
    return transparent;
  } else if (label == kApplication && block.size() >= 11 &&
             std::equal(block.begin(), block.begin() + 11, "NETSCAPE2.0")) {
    // Pillow looks at one more block here, and so must we: an empty one makes it go on to the next.
    static_cast<void>(read_sub_block(cursor));
  }
  skip_sub_blocks(cursor);
  return transparent;
}

struct Frame {
  std::uint32_t left = 0, top = 0, width = 0, height = 0;
  bool interlaced = false;
  std::optional<ColourTable> colours;
  std::optional<std::uint8_t> transparent;
  int code_bits = 0;
};

Frame read_frame_header(ByteCursor& cursor) {
  std::optional<std::uint8_t> transparent;
  while (true) {
    const Bytes block = cursor.take_up_to(1);
    if (block.empty() || block[0] == kTrailer) throw_broken("no picture in it");
    if (block[0] == kExtensionBlock) {
      if (const auto colour = read_extension(cursor)) transparent = colour;
    } else if (block[0] == kImageBlock) {
      break;
    }
  }
  Frame frame;
  frame.transparent = transparent;
  frame.left = cursor.le16();
  frame.top = cursor.le16();
  frame.width = cursor.le16();
  frame.height = cursor.le16();
  const unsigned flags = cursor.byte();
  frame.interlaced = (flags & 0x40U) != 0;
  if ((flags & 0x80U) != 0) frame.colours = read_colour_table(cursor, flags);
  frame.code_bits = cursor.byte();
  return frame;
}

}  // namespace

Picture decode_gif(Bytes file) {
  ByteCursor cursor(file, "GIF");
  cursor.skip(6);  // the signature
  const std::uint32_t screen_width = cursor.le16();
  const std::uint32_t screen_height = cursor.le16();
  const unsigned flags = cursor.byte();
  cursor.skip(2);  // background colour and aspect: of no use to a first frame
  std::optional<ColourTable> colours;
  if ((flags & 0x80U) != 0) colours = read_colour_table(cursor, flags);

  const Frame frame = read_frame_header(cursor);
  // A local table that is a grey ramp counts as none: Pillow lets the global one stand then.
  if (frame.colours && !frame.colours->grey) colours = frame.colours;
  const std::uint32_t width = std::max(screen_width, frame.left + frame.width);
  const std::uint32_t height = std::max(screen_height, frame.top + frame.height);
  check_declared_size("GIF", width, height);
  check_memory("GIF", std::uint64_t{3} * width * height, file.size());
  if (frame.width == 0 || frame.height == 0) throw_broken("the first frame is empty");

  const bool grey = !colours || colours->grey;
  const Palette& palette = grey ? grey_ramp(8) : colours->palette;
  Picture picture;
  picture.found = std::string(grey ? "L" : "P");
  picture.pixels = RgbImage(static_cast<int>(width), static_cast<int>(height));
  const auto& ground = palette[frame.transparent.value_or(0)];
  const std::span<std::uint8_t> pixels = picture.pixels.pixels();
  for (std::size_t i = 0; i < pixels.size(); i += 3) std::ranges::copy(ground, &pixels[i]);

  const RowFormat format = indexed_rows(8, palette);
  decode_gif_lzw(file.subspan(cursor.position()), frame.code_bits, frame.interlaced,
                 static_cast<int>(frame.width), static_cast<int>(frame.height), [&](int y, Bytes indices) {
                   const auto row = picture.pixels.row(static_cast<int>(frame.top) + y);
                   format.to_rgb(indices, row.subspan(std::size_t{3} * frame.left, 3 * indices.size()));
                 });
  return picture;
}

}  // namespace ft::importers
