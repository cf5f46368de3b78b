// Cuts a JPEG that has restart markers down to the blocks that a window needs, without decoding anything.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ft/data/image.h"

namespace ft {

// Makes in `slice` a JPEG of its own, whose pixels equal the picture's inside `window`; returns which box of
// the picture it shows. `restart_offsets` as in StoredPicture; an interval never goes over the end of a row
// of blocks. DataError when the offsets do not fit the stream.
Box slice_jpeg(std::span<const std::byte> payload, std::span<const std::uint32_t> restart_offsets, Size size,
               const Box& window, std::vector<std::byte>& slice);

}  // namespace ft
