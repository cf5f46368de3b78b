// BMP of 1 to 32 bits, plain, with bit fields, or with run lengths.
#include <fmt/format.h>

#include "importers/bmp_header.h"
#include "importers/bmp_rle.h"
#include "importers/picture.h"

namespace ft::importers {
namespace {

// Rows are padded to four bytes; the last one in the file may lack its padding.
void read_plain_rows(Bytes file, const BmpHeader& header, RgbImage& image) {
  const auto width = static_cast<std::size_t>(header.width);
  const auto height = static_cast<std::size_t>(header.height);
  const std::size_t stride = (width * static_cast<std::size_t>(header.bits) + 31) / 32 * 4;
  const std::size_t row_bytes = header.rows.row_bytes(width);
  if (row_bytes > stride) throw ImportError("broken BMP: the palette does not go with the depth");
  const std::size_t needed = header.pixel_offset + stride * (height - 1) + row_bytes;
  if (needed > file.size()) {
    throw ImportError(fmt::format("truncated BMP: {} bytes, {} are needed", file.size(), needed));
  }
  image.resize(static_cast<int>(header.width), static_cast<int>(header.height));
  for (int y = 0; y < image.height(); ++y) {
    const int place = header.bottom_up ? image.height() - 1 - y : y;
    const std::size_t at = header.pixel_offset + stride * static_cast<std::size_t>(y);
    header.rows.to_rgb(file.subspan(at, row_bytes), image.row(place));
  }
}

void read_run_lengths(Bytes file, const BmpHeader& header, RgbImage& image) {
  if (header.bits > 8) throw ImportError(fmt::format("broken BMP: run lengths with {} bits", header.bits));
  ByteCursor cursor(file, "BMP");
  cursor.seek(header.pixel_offset);
  const std::vector<std::uint8_t> indices =
      decode_bmp_rle(cursor, header.run_length_nibbles, header.width, header.height);
  const RowFormat format = indexed_rows(8, header.palette);
  image.resize(static_cast<int>(header.width), static_cast<int>(header.height));
  for (int y = 0; y < image.height(); ++y) {
    const int place = header.bottom_up ? image.height() - 1 - y : y;
    const Bytes row = Bytes(indices).subspan(static_cast<std::size_t>(y) * header.width, header.width);
    format.to_rgb(row, image.row(place));
  }
}

}  // namespace

Picture decode_bmp(Bytes file) {
  const BmpHeader header = read_bmp_header(file);
  check_memory("BMP", std::uint64_t{4} * header.width * header.height, file.size());
  Picture picture;
  picture.found = header.mode;
  if (header.run_length) {
    read_run_lengths(file, header, picture.pixels);
  } else {
    read_plain_rows(file, header, picture.pixels);
  }
  return picture;
}

}  // namespace ft::importers
