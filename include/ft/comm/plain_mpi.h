// MPI's own way, for benchmarks to compare with.
#pragma once

#include <span>

namespace ft {

// MPI_Allreduce of float32 over all ranks of an active MpiSession: a sum, in place. It blocks without a
// deadline, and spins. Throws PeerError.
void plain_mpi_all_reduce(std::span<float> values);

}  // namespace ft
