// How wide text is on a terminal, counted in UTF-8 code points: right for the scripts that class names are
// written in, except that wide East Asian characters count as one column.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ft {

[[nodiscard]] std::size_t display_width(std::string_view text) noexcept;

// The longest prefix of at most `width` columns; never half a character.
[[nodiscard]] std::string clip_to_width(std::string_view text, std::size_t width);

}  // namespace ft
