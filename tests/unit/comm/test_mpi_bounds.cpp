#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mpi_bounds.h"

namespace ft {
namespace {

using std::chrono::seconds;

TEST(MpiBound, IsSaidByOneOfManyRanks) {
  const MpiBound first = mpi_bound("MPI_Init", seconds(300), 0, "n0");
  EXPECT_EQ(first.patience, seconds(300));
  EXPECT_THAT(
      first.message,
      testing::StartsWith("ft_dist: error: rank 0 on n0: MPI_Init has not come back in 300 s (hint: "));
  EXPECT_THAT(first.message, testing::EndsWith("\n"));
  for (const int rank : {2, 3, 511}) {
    const MpiBound silent = mpi_bound("MPI_Init", seconds(300), rank, "n1");
    EXPECT_EQ(silent.message, "") << rank;
    EXPECT_GT(silent.patience, first.patience) << "the exit code of the one that spoke comes first";
    EXPECT_LE(silent.patience, seconds(310));
  }
}

TEST(MpiBound, HasAnUnderstudyForRank0) {
  const MpiBound second = mpi_bound("MPI_Finalize", seconds(120), 1, "n0");
  EXPECT_EQ(second.patience, seconds(125)) << "only once rank 0 has had its turn";
  EXPECT_THAT(second.message, testing::HasSubstr("rank 1 on n0: MPI_Finalize has not come back in 125 s"));
}

}  // namespace
}  // namespace ft
