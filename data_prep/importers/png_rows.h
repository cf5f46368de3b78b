// The rows of a PNG: inflated, unfiltered, and put where they belong, interlaced or not.
#pragma once

#include "importers/png_chunks.h"
#include "importers/row_format.h"

namespace ft::importers {

// Fills the part of `image` that the first frame covers. Image data that ends early is an ImportError, unless
// the zlib stream itself ends between two rows: then the rest stays as it is, as in Pillow.
void read_png_rows(PngChunks& chunks, const RowFormat& format, RgbImage& image);

}  // namespace ft::importers
