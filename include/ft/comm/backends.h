// Making a communicator. MPI starts everything, NCCL included (its id travels over MPI).
#pragma once

#include <memory>

#include "ft/comm/communicator.h"
#include "ft/comm/mpi_session.h"

namespace ft {

// A world of one.
[[nodiscard]] std::unique_ptr<Communicator> make_single_communicator();
// All ranks of MPI_COMM_WORLD, on a duplicate of it. Non-blocking collectives polled with sleeps.
[[nodiscard]] std::unique_ptr<Communicator> make_mpi_communicator(const MpiSession& session);
// mpi when the session is active, single otherwise.
[[nodiscard]] std::unique_ptr<Communicator> make_host_communicator(const MpiSession& session);

}  // namespace ft
