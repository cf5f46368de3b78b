// Logging: rank 0 speaks on stderr, every rank writes logs/rank-0003.log once the run directory is known.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include <spdlog/spdlog.h>

namespace ft {

// A logger to hand around; not a global. Thread-safe.
using Log = std::shared_ptr<spdlog::logger>;

// stderr for rank 0 only; others get a logger without sinks until attach_file.
[[nodiscard]] Log make_log(int rank);
// Appends to `file`, creating its directory. Call before other threads log. DataError when it cannot be
// opened.
void attach_file(const Log& log, const std::filesystem::path& file);

// Into the file only, where there is one: for what has already been said on stderr. Does not throw; a full
// disk swallows it.
void log_to_file(const Log& log, const std::string& text) noexcept;

}  // namespace ft
