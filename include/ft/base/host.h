#pragma once

#include <string>

namespace ft {

// This machine's name, as uname reports it.
[[nodiscard]] std::string host_name();

}  // namespace ft
