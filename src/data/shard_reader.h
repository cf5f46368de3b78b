// One shard's tables, read and checked by HDF5, and where in the file its blobs lie: all that is needed to go
// on without HDF5.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "ft/data/manifest.h"
#include "ft/data/shard_format.h"

namespace ft {

// A contiguous dataset's bytes in the file.
struct FileRange {
  std::uint64_t begin = 0;
  std::uint64_t bytes = 0;
};

struct ShardContents {
  ShardTables tables;
  FileRange payload;
  FileRange source;
  FileRange source_offset;
  // Nothing in sets packed without --restart-index.
  std::optional<FileRange> restart_index;
  std::optional<FileRange> restart_offset;
};

// Checks shard `index` of `manifest` at `path`: size, format, version, place in the set, class list, tables.
// Throws DataError naming the file and what is wrong with it.
[[nodiscard]] ShardContents read_shard(const std::filesystem::path& path, const Manifest& manifest,
                                       std::uint32_t index);

}  // namespace ft
