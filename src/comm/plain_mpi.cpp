#include "ft/comm/plain_mpi.h"

#include <algorithm>
#include <cstddef>

#include <mpi.h>

#include "mpi_error.h"

namespace ft {

void plain_mpi_all_reduce(std::span<float> values) {
  constexpr std::size_t kMostAtOnce = std::size_t{1} << 28U;  // MPI counts in int, of bytes in places
  while (!values.empty()) {
    const auto piece = values.first(std::min(kMostAtOnce, values.size()));
    check_mpi(MPI_Allreduce(MPI_IN_PLACE, piece.data(), static_cast<int>(piece.size()), MPI_FLOAT, MPI_SUM,
                            MPI_COMM_WORLD),
              "MPI_Allreduce");
    values = values.subspan(piece.size());
  }
}

}  // namespace ft
