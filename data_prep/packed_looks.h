// What the pictures of a packed set look like, found by decoding each once.
#pragma once

#include "ft/data/packed_set.h"

#include "duplicates.h"
#include "repeats.h"

namespace ft {

// With progress on stderr. The result refers to `set`. Throws DataError naming a damaged sample, and
// Interrupted.
[[nodiscard]] LooksOfSet looks_of(const PackedSet& set, int workers,
                                  const std::function<bool()>& stop_requested);
[[nodiscard]] PictureNames names_of(const PackedSet& set);

}  // namespace ft
