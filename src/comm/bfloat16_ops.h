// Sums and extremes of bfloat16 as MPI operations over 16-bit words.
#pragma once

#include <mpi.h>

#include "ft/comm/communicator.h"

namespace ft {

// A sum is computed in float32 at each hop and rounded to bfloat16 on its way to the next: over n ranks, up
// to n - 1 roundings.
class BFloat16Ops {
 public:
  BFloat16Ops();
  BFloat16Ops(const BFloat16Ops&) = delete;
  BFloat16Ops& operator=(const BFloat16Ops&) = delete;
  ~BFloat16Ops();

  [[nodiscard]] MPI_Op get(ReduceOp op) const noexcept;

 private:
  MPI_Op sum_ = MPI_OP_NULL;
  MPI_Op min_ = MPI_OP_NULL;
  MPI_Op max_ = MPI_OP_NULL;
};

}  // namespace ft
