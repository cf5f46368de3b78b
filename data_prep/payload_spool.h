// Payloads on their way from import to their shard. Which shard and row a sample gets is known when all have
// been imported, and they need not fit in memory: they wait in a file, which costs the set's size in disk
// space until the object goes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "ft/base/file.h"

namespace ft {

class PayloadSpool {
 public:
  // In that directory; throws DataError, as all of it does.
  explicit PayloadSpool(const std::filesystem::path& directory);

  // Where the bytes begin.
  std::uint64_t append(std::span<const std::byte> bytes);
  // Valid until the next call.
  [[nodiscard]] std::span<const std::byte> read(std::uint64_t begin, std::uint64_t size);

 private:
  std::filesystem::path path_;
  UniqueFd fd_;
  std::uint64_t end_ = 0;
  std::vector<std::byte> buffer_;
};

}  // namespace ft
