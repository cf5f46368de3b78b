// MPI's return codes as exceptions.
#pragma once

#include <string_view>

namespace ft {

// PeerError with MPI's own text when `code` is not MPI_SUCCESS. Needs MPI_ERRORS_RETURN, which MpiSession
// sets.
void check_mpi(int code, std::string_view call);

}  // namespace ft
