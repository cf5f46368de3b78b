// One IDX file (http://yann.lecun.com/exdb/mnist): big-endian magic and dimensions, then unsigned bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

namespace ft {

struct IdxFile {
  std::vector<std::uint32_t> dimensions;
  std::vector<std::byte> values;  // as many as the product of the dimensions
};

// Reads gzip or plain. Throws DataError: unreadable, not IDX of unsigned bytes with that many dimensions,
// shorter or longer than its header says, damaged gzip.
[[nodiscard]] IdxFile read_idx(const std::filesystem::path& path, std::size_t dimensions);

}  // namespace ft
