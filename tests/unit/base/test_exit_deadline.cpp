#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "ft/base/exit_deadline.h"

namespace ft {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

TEST(ExitDeadline, EndsTheProcessWithItsMessage) {
  EXPECT_EXIT(
      {
        const ExitDeadline deadline(milliseconds(10), ExitCode::kPeer, "MPI_Finalize has not come back\n");
        std::this_thread::sleep_for(hours(1));
      },
      testing::ExitedWithCode(4), "MPI_Finalize has not come back");
}

TEST(ExitDeadline, IsCalledOffByLeaving) {
  std::atomic<bool> ended{false};
  {
    const ExitDeadline deadline(hours(1), ExitCode::kPeer, "", [&](int) { ended = true; });
  }
  EXPECT_FALSE(ended);
}

TEST(ExitDeadline, HandsOnItsCode) {
  std::atomic<int> code{-1};
  const ExitDeadline deadline(milliseconds(1), ExitCode::kDiverged, "", [&](int given) { code = given; });
  while (code < 0) std::this_thread::sleep_for(milliseconds(1));
  EXPECT_EQ(code, 5);
}

}  // namespace
}  // namespace ft
