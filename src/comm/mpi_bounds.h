// How long MPI's calls may take that wait for other ranks and can be neither polled nor called off, and who
// says so in the end.
#pragma once

#include <chrono>
#include <string>

#include "ft/base/exit_deadline.h"

namespace ft {

struct MpiBound {
  std::chrono::seconds patience;
  std::string message;  // a whole line, or empty: this rank says nothing
};

// Every rank runs into the bound, and one line is enough: rank 0 speaks, and ends a little before the others,
// which mpirun then collects. Should rank 0 be the one that is gone, rank 1 speaks in its place.
[[nodiscard]] MpiBound mpi_bound(const std::string& call, std::chrono::seconds patience, int rank,
                                 const std::string& host);

[[nodiscard]] ExitDeadline bounded(const std::string& call, std::chrono::seconds patience, int rank);

}  // namespace ft
