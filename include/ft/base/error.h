// The one error type that crosses layers, and the exit codes that users and launchers rely on.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace ft {

// What a process tells its launcher; docs/architecture.md has the table.
enum class ExitCode : int {
  kDone = 0,
  kBug = 1,
  kUsage = 2,     // the command line or the config
  kData = 3,      // input or output files: missing, corrupt, unwritable
  kPeer = 4,      // another rank or the network
  kDiverged = 5,  // the loss is not finite
  kStopped = 75,  // stopped on request, state saved
};

// `what()` is one line that names the file, key, line or sample; `hint()` is the cure, or empty.
// Rank and host are added where the error is reported: only main knows them for certain.
class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& what, std::string hint = {})
      : std::runtime_error(what), code_(code), hint_(std::move(hint)) {}

  [[nodiscard]] ExitCode code() const noexcept { return code_; }
  [[nodiscard]] const std::string& hint() const noexcept { return hint_; }

  // Every rank throws this same error: the world can end in good order, and rank 0 alone says why.
  [[nodiscard]] bool known_to_all() const noexcept { return known_to_all_; }
  void mark_known_to_all() noexcept { known_to_all_ = true; }
  // Its text begins with the ranks it is about: whoever reports it need not say which rank speaks.
  [[nodiscard]] bool names_its_ranks() const noexcept { return names_its_ranks_; }
  void mark_names_its_ranks() noexcept { names_its_ranks_ = true; }

 private:
  ExitCode code_;
  std::string hint_;
  bool known_to_all_ = false;
  bool names_its_ranks_ = false;
};

class UsageError : public Error {
 public:
  explicit UsageError(const std::string& what, std::string hint = {})
      : Error(ExitCode::kUsage, what, std::move(hint)) {}
};

class DataError : public Error {
 public:
  explicit DataError(const std::string& what, std::string hint = {})
      : Error(ExitCode::kData, what, std::move(hint)) {}
};

class PeerError : public Error {
 public:
  explicit PeerError(const std::string& what, std::string hint = {})
      : Error(ExitCode::kPeer, what, std::move(hint)) {}
};

class DivergedError : public Error {
 public:
  explicit DivergedError(const std::string& what, std::string hint = {})
      : Error(ExitCode::kDiverged, what, std::move(hint)) {}
};

// "No space left on device" and its kind, for the errno of the failed call.
[[nodiscard]] std::string errno_text(int error_number);

// A DataError that names what was tried on which path and why the system refused, for the current errno.
[[noreturn]] void throw_errno(std::string_view action, std::string_view path);

}  // namespace ft
