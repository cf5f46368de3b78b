// Recomputing every hash of a packed set.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace ft {

struct VerifyResult {
  std::uint64_t shards = 0;
  std::uint64_t samples = 0;
  std::uint64_t bytes = 0;
  std::vector<std::string> damage;  // one line each; empty: all is well
};

// Goes on after damage, to name all of it. Throws DataError when there is no manifest to check against.
[[nodiscard]] VerifyResult verify(const std::filesystem::path& directory);

}  // namespace ft
