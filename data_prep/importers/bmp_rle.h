// The run lengths of BMP.
#pragma once

#include "importers/byte_cursor.h"
#include "importers/picture.h"

namespace ft::importers {

// Reads from the cursor's place and returns width x height colour indices in file order, with Pillow's
// answers to runs that cross the edge. Too few of them is an ImportError.
[[nodiscard]] std::vector<std::uint8_t> decode_bmp_rle(ByteCursor& cursor, bool nibbles, std::size_t width,
                                                       std::size_t height);

}  // namespace ft::importers
