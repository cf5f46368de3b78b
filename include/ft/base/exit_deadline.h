// A bound on calls that can neither be polled nor cancelled: MPI_Init, MPI_Finalize, MPI_Abort.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <thread>

#include "ft/base/error.h"

namespace ft {

// While it lives, the process has this long; then `message` (a whole line) goes straight to standard error
// and the process ends by _exit, without destructors: the thread that would run them is the one that is
// stuck.
class ExitDeadline {
 public:
  using End = std::function<void(int)>;

  // An empty message says nothing. Tests give an `end` of their own.
  ExitDeadline(std::chrono::duration<double> patience, ExitCode code, std::string message, End end = {});
  ExitDeadline(const ExitDeadline&) = delete;
  ExitDeadline& operator=(const ExitDeadline&) = delete;
  ~ExitDeadline() = default;

 private:
  std::jthread thread_;
};

}  // namespace ft
