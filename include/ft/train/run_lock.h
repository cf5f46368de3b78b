// One start at a time in a run directory.
#pragma once

#include <filesystem>

#include "ft/base/file.h"

namespace ft {

// A lock on metrics.jsonl, which every run has and nobody replaces. Held by rank 0 while it lives; the kernel
// releases it however the process ends. UsageError naming the process that holds it, when that runs on this
// machine. One on another machine does not stop us: it may be cut off and its job restarted here, which is
// what incarnations are for (checkpoint.h).
class RunLock {
 public:
  // Makes the file where there is none; its folder exists.
  explicit RunLock(const std::filesystem::path& metrics);

 private:
  UniqueFd fd_;
};

}  // namespace ft
