// From an input set to a packed set: plan, import (import_stage.h), place (placement.h), write
// (shard_stage.h), manifest, rename. All ranks of a job do it together.
#pragma once

#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "ft/comm/communicator.h"
#include "ft/data/manifest.h"

#include "duplicates.h"
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
  int workers = 1;                     // threads of this rank; never changes the bytes
  bool fresh = false;                  // leave aside what an interrupted pack has left
  std::filesystem::path against = {};  // another packed set, in which to look for the same pictures
};

struct PackResult {
  Manifest manifest;
  std::vector<std::uint64_t> class_bytes;  // payload per class
  std::uint64_t stored_as_found = 0;
  Duplicates duplicates;
  std::optional<Duplicates> overlap;  // with `against`
};

// Writes `out`, which must not exist or be an empty directory (UsageError), whole or not at all. The bytes
// are a function of the input and of the options that the manifest records, not of workers, ranks or
// interruptions. What is not finished stays in OUT.packing when pictures are in it, and the next call goes on
// from there. Every rank calls it with an equal input and equal options; the result is rank 0's, empty
// elsewhere. `stop_requested` is asked often, on the calling thread; when it says yes on one rank,
// Interrupted is thrown on all.
[[nodiscard]] PackResult pack(const InputSet& input, const std::filesystem::path& out,
                              const PackOptions& options, Communicator& ranks,
                              const std::function<bool()>& stop_requested);
// Alone.
[[nodiscard]] PackResult pack(const InputSet& input, const std::filesystem::path& out,
                              const PackOptions& options, const std::function<bool()>& stop_requested);

class Interrupted : public std::exception {
 public:
  [[nodiscard]] const char* what() const noexcept override { return "interrupted"; }
};

}  // namespace ft
