// How long MPI's calls may take that wait for other ranks and can be neither polled nor called off, and who
// says so in the end.
#pragma once

#include <chrono>
#include <string>

#include "ft/base/exit_deadline.h"
#include "ft/comm/launcher.h"

namespace ft {

struct MpiBound {
  std::chrono::seconds patience;
  std::string message;  // a whole line, or empty: this rank says nothing
};

// Every rank runs into the bound, and one line is enough: rank 0 speaks, and ends a little before the others,
// which mpirun then collects. Should rank 0 be gone, or its host, the first rank of the next host speaks in
// its place, and so on; rank 1 does where no other host has.
[[nodiscard]] MpiBound mpi_bound(const std::string& call, std::chrono::seconds patience,
                                 const LauncherEnvironment& place, const std::string& host);

[[nodiscard]] ExitDeadline bounded(const std::string& call, std::chrono::seconds patience,
                                   const LauncherEnvironment& place);

}  // namespace ft
