// Logging: rank 0 speaks on stderr, every rank writes logs/rank-0003.log once the run directory is known.
#pragma once

#include <filesystem>
#include <memory>

#include <spdlog/spdlog.h>

namespace ft {

// A logger to hand around; not a global. Thread-safe.
using Log = std::shared_ptr<spdlog::logger>;

// stderr for rank 0 only; others get a logger without sinks until attach_file.
[[nodiscard]] Log make_log(int rank);
// Appends to `file`, creating its directory. Call before other threads log. DataError when it cannot be
// opened.
void attach_file(const Log& log, const std::filesystem::path& file);

}  // namespace ft
