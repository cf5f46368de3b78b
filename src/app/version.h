#pragma once

#include <string>

namespace ft::app {

// "ft_dist 0.1.0 (commit)" and a line for each library and for the instruction sets in use.
[[nodiscard]] std::string version_text();
// "0.1.0 (commit)": what ranks compare and what a run records.
[[nodiscard]] std::string version_id();

}  // namespace ft::app
