// File names are bytes; the shard format and JSON want UTF-8.
#pragma once

#include <string>
#include <string_view>

namespace ft {

[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

// `name` as it is when it is UTF-8 without control characters; otherwise each of these, and every byte that
// belongs to no valid sequence, becomes "\xNN": a name takes one line wherever it is told, and moves no
// cursor.
[[nodiscard]] std::string to_utf8(std::string_view name);

}  // namespace ft
