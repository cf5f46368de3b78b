// GIF's flavour of LZW, as lenient and as strict as Pillow's decoder.
#pragma once

#include <functional>

#include "importers/picture.h"

namespace ft::importers {

// `data` starts at the first sub-block. Calls put_row(y, indices) for every row, in the order of the file. A
// stream that is damaged, or ends before the last row, is an ImportError.
void decode_gif_lzw(Bytes data, int code_bits, bool interlaced, int width, int height,
                    const std::function<void(int y, Bytes indices)>& put_row);

}  // namespace ft::importers
