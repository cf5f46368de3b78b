#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mpi_bounds.h"

namespace ft {
namespace {

using std::chrono::seconds;

LauncherEnvironment place(int rank, int local_rank, int local_size) {
  LauncherEnvironment place;
  place.rank = rank;
  place.local_rank = local_rank;
  place.local_size = local_size;
  return place;
}

MpiBound bound_of(int rank, int local_rank, int local_size) {
  return mpi_bound("MPI_Init", seconds(300), place(rank, local_rank, local_size), "n1");
}

TEST(MpiBound, IsSaidByOneOfManyRanks) {
  const MpiBound first = mpi_bound("MPI_Init", seconds(300), place(0, 0, 8), "n0");
  EXPECT_EQ(first.patience, seconds(300));
  EXPECT_THAT(
      first.message,
      testing::StartsWith("ft_dist: error: rank 0 on n0: MPI_Init has not come back in 300 s (hint: "));
  EXPECT_THAT(first.message, testing::EndsWith("\n"));
  for (const int rank : {2, 7, 9, 511}) {
    const MpiBound silent = bound_of(rank, rank % 8, 8);
    EXPECT_EQ(silent.message, "") << rank;
    EXPECT_GT(silent.patience, bound_of(8, 0, 8).patience)
        << "the exit code of the one that spoke comes first";
    EXPECT_GT(silent.patience, bound_of(16, 0, 8).patience);
    EXPECT_LE(silent.patience, seconds(320));
  }
}

TEST(MpiBound, IsSaidByTheNextHostWhenThatOfRank0IsLost) {
  const MpiBound second = mpi_bound("MPI_Finalize", seconds(120), place(8, 0, 8), "n1");
  EXPECT_EQ(second.patience, seconds(125)) << "only once rank 0 has had its turn";
  EXPECT_THAT(second.message, testing::HasSubstr("rank 8 on n1: MPI_Finalize has not come back in 125 s"));
  const MpiBound third = bound_of(16, 0, 8);
  EXPECT_NE(third.message, "");
  EXPECT_EQ(third.patience, seconds(310));
  EXPECT_EQ(bound_of(504, 0, 8).patience, seconds(310)) << "nobody waits for 60 turns";
}

TEST(MpiBound, HasAnUnderstudyForRank0OnItsOwnHost) {
  const MpiBound understudy = bound_of(1, 1, 8);
  EXPECT_NE(understudy.message, "");
  EXPECT_GT(understudy.patience, bound_of(16, 0, 8).patience) << "the other hosts come first";
  EXPECT_LT(understudy.patience, bound_of(2, 2, 8).patience);
}

}  // namespace
}  // namespace ft
