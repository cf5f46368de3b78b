// JPEG: a plain one is kept as found, once it has proved that it decodes.
#include <numeric>
#include <vector>

#include "ft/base/error.h"
#include "ft/data/codec.h"

#include "importers/jpeg_cmyk.h"
#include "importers/jpeg_markers.h"
#include "importers/picture.h"
#include "picture_look.h"

namespace ft::importers {

namespace {

std::vector<int> rows_of(int height, WantedRows wanted) {
  if (wanted == WantedRows::kSeen) return rows_seen(height);
  std::vector<int> all(static_cast<std::size_t>(height));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

}  // namespace

Picture decode_jpeg(Bytes file, ImportBuffers& buffers) {
  const JpegHeader header = read_jpeg_header(file);
  Picture picture;
  picture.exif_oriented = header.exif_oriented;
  if (header.components == 4) {
    picture.found = "CMYK";
    picture.pixels = decode_cmyk_jpeg(file, header.width, header.height);
    return picture;
  }
  picture.found = header.components == 1 ? "L" : "RGB";
  picture.keep_file = true;
  picture.size = {header.width, header.height};
  picture.pixels = buffers.take_pixels();
  try {
    // The decoder that training will use: what it accepts here it accepts there.
    buffers.decoder().decode_rows({Codec::kJpeg, std::as_bytes(file), picture.size, {}},
                                  rows_of(header.height, buffers.wanted()), picture.pixels);
  } catch (const DataError& error) {
    throw ImportError(error.what());
  }
  return picture;
}

}  // namespace ft::importers
