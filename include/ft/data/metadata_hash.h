// The hash that is checked before HDF5 sees a shard.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "ft/data/manifest.h"

namespace ft {

// XXH3-128 over all bytes of the file that are not payload: HDF5's own structures, the tables, and what lies
// between them. About 60 bytes a sample. Throws DataError: the file cannot be read, or ends too early.
[[nodiscard]] std::string hash_of_metadata(const std::filesystem::path& path, PayloadPlace payload);

}  // namespace ft
