#pragma once

#include <cstddef>
#include <string_view>

namespace ft {

// Insertions, deletions, replacements and swaps of neighbours that turn one text into the other (optimal
// string alignment).
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace ft
