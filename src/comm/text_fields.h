// Short records as strings, for gathering over a communicator.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ft {

// The fields in order, each with its length in front, so that a field may hold any byte.
[[nodiscard]] std::string join_fields(const std::vector<std::string>& fields);
// The inverse. Throws PeerError when `text` was not made by join_fields.
[[nodiscard]] std::vector<std::string> split_fields(std::string_view text);

}  // namespace ft
