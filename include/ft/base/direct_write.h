// Text that must be out before anything else happens to this process.
#pragma once

#include <string_view>

namespace ft {

// Straight to standard error, past every buffer and lock. What cannot be written is dropped: false.
bool write_to_stderr(std::string_view text) noexcept;

}  // namespace ft
