// PNG, all depths and colour types; of an animation, the first frame.
#include "importers/exif.h"
#include "importers/picture.h"
#include "importers/png_rows.h"

namespace ft::importers {
namespace {

Palette palette_of(Bytes entries) {
  if (entries.size() / 3 > 256) throw ImportError("broken PNG: palette of more than 256 colours");
  Palette palette{};
  for (std::size_t i = 0; i < entries.size() / 3; ++i) std::copy_n(&entries[i * 3], 3, palette[i].begin());
  return palette;
}

RowFormat row_format(const PngHeader& header, Bytes palette) {
  const bool wide = header.depth == 16;
  const int sample = wide ? 2 : 1;
  switch (header.colour_type) {
    case 2:
      return byte_rows(3 * sample, 0, sample, 2 * sample);
    case 3:
      return indexed_rows(header.depth, palette_of(palette));
    case 4:
      return byte_rows(2 * sample, 0, 0, 0);
    case 6:
      return byte_rows(4 * sample, 0, sample, 2 * sample);
    default:
      return wide ? grey16_big_endian_rows() : indexed_rows(header.depth, grey_ramp(header.depth));
  }
}

}  // namespace

Picture decode_png(Bytes file) {
  PngChunks chunks(file);
  chunks.read_header();
  const PngHeader& header = chunks.header();
  check_memory("PNG", std::uint64_t{3} * header.width * header.height, file.size());
  const RowFormat format = row_format(header, chunks.palette());
  Picture picture;
  picture.found = header.mode();
  picture.pixels = black_image(static_cast<int>(header.width), static_cast<int>(header.height));
  read_png_rows(chunks, format, picture.pixels);
  chunks.read_trailer();
  picture.exif_oriented = chunks.exif_oriented();
  return picture;
}

}  // namespace ft::importers
