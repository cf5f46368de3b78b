// Appending a record so that a reader finds all of it or nothing.
#pragma once

#include <filesystem>
#include <string_view>

namespace ft {

// Appends `record` to an O_APPEND descriptor with one write(2). When the system takes only a part of it (a
// full disk), the part is cut off again and DataError is thrown.
void append_whole(int fd, std::string_view record, const std::filesystem::path& path);

}  // namespace ft
