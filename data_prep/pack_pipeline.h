// From an input set to a packed set: import on threads, spool, spread over shards, manifest, rename.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "ft/data/manifest.h"

#include "input_set.h"
#include "payload_encoding.h"

namespace ft {

enum class OnError { kSkip, kFail };

struct PackOptions {
  std::uint32_t shards = 0;  // 0: as many as shard_mib asks for
  std::uint64_t shard_mib = 128;
  std::uint64_t limit_per_class = 0;  // the first so many that import; 0: all
  OnError on_error = OnError::kSkip;
  EncodingOptions encoding = {};
  int workers = 1;  // never changes the bytes
};

struct PackResult {
  Manifest manifest;
  std::vector<std::uint64_t> class_bytes;  // payload per class
  std::uint64_t stored_as_found = 0;
  std::uint64_t repeated = 0;  // samples whose input file equals an earlier sample's, byte for byte
};

// Writes `out`, which must not exist or be an empty directory (UsageError), whole or not at all.
// `stop_requested` is asked often; when it says yes, Interrupted is thrown.
[[nodiscard]] PackResult pack(const InputSet& input, const std::filesystem::path& out,
                              const PackOptions& options, const std::function<bool()>& stop_requested);

class Interrupted : public std::exception {
 public:
  [[nodiscard]] const char* what() const noexcept override { return "interrupted"; }
};

}  // namespace ft
