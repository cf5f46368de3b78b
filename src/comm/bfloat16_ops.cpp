#include "bfloat16_ops.h"

#include <cstdint>

#include "ft/comm/bfloat16.h"

#include "mpi_error.h"

namespace ft {

namespace {

template <ReduceOp kOp>
void mpi_function(void* in, void* inout, int* count, MPI_Datatype* /*type*/) {
  const auto n = static_cast<std::size_t>(*count);
  combine_bfloat16({static_cast<const std::uint16_t*>(in), n}, {static_cast<std::uint16_t*>(inout), n}, kOp);
}

}  // namespace

BFloat16Ops::BFloat16Ops() {
  constexpr int kCommutes = 1;
  check_mpi(MPI_Op_create(&mpi_function<ReduceOp::kSum>, kCommutes, &sum_), "MPI_Op_create");
  check_mpi(MPI_Op_create(&mpi_function<ReduceOp::kMin>, kCommutes, &min_), "MPI_Op_create");
  check_mpi(MPI_Op_create(&mpi_function<ReduceOp::kMax>, kCommutes, &max_), "MPI_Op_create");
}

BFloat16Ops::~BFloat16Ops() {
  for (MPI_Op* op : {&sum_, &min_, &max_}) {
    if (*op != MPI_OP_NULL) MPI_Op_free(op);
  }
}

MPI_Op BFloat16Ops::get(ReduceOp op) const noexcept {
  switch (op) {
    case ReduceOp::kSum:
      return sum_;
    case ReduceOp::kMin:
      return min_;
    case ReduceOp::kMax:
      return max_;
  }
  return MPI_OP_NULL;
}

}  // namespace ft
