#include "ft/data/metadata_hash.h"

#include <algorithm>
#include <span>
#include <vector>

#include <fmt/format.h>

#include "ft/base/error.h"
#include "ft/base/file.h"
#include "ft/base/hash.h"

namespace ft {

std::string hash_of_metadata(const std::filesystem::path& path, PayloadPlace payload) {
  const std::uint64_t size = std::filesystem::file_size(path);
  if (payload.begin > size || payload.bytes > size - payload.begin) {
    throw DataError(fmt::format("{}: the payload would end outside the file", path.string()));
  }
  const UniqueFd fd = open_for_reading(path);
  Xxh3Stream hash;
  constexpr std::uint64_t kStep = std::uint64_t{1} << 20U;
  std::vector<std::byte> buffer(std::min(size, kStep));
  const auto add = [&](std::uint64_t begin, std::uint64_t end) {
    for (std::uint64_t at = begin; at < end;) {
      const std::span<std::byte> piece(buffer.data(), std::min(kStep, end - at));
      pread_exact(fd.get(), piece, at, path);
      hash.update(piece);
      at += piece.size();
    }
  };
  add(0, payload.begin);
  add(payload.begin + payload.bytes, size);
  return hash.hex_digest();
}

}  // namespace ft
