#include <gtest/gtest.h>

#include "ft/comm/liveness/straggler.h"

namespace ft {
namespace {

TEST(StragglerWatch, NamesTheSlowRankOnceAStretch) {
  StragglerWatch watch;
  const std::vector<RankPace> slow{{10, 100}, {11, 100}, {22, 100}, {9, 100}};
  const auto found = watch.judge(slow);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].rank, 2);
  EXPECT_DOUBLE_EQ(found[0].times_slower, 2.2);
  EXPECT_TRUE(watch.judge(slow).empty()) << "said once";
  const std::vector<RankPace> even{{10, 100}, {11, 100}, {12, 100}, {9, 100}};
  EXPECT_TRUE(watch.judge(even).empty());
  EXPECT_EQ(watch.judge(slow).size(), 1U) << "it fell behind again";
}

TEST(StragglerWatch, GoesByTheTimeAnImage) {
  StragglerWatch watch;
  // Rank 0 has three times the images of the others, and needs three times as long.
  EXPECT_TRUE(watch.judge(std::vector<RankPace>{{30, 300}, {10, 100}, {10, 100}}).empty());
  EXPECT_EQ(watch.judge(std::vector<RankPace>{{30, 300}, {10, 100}, {10, 40}}).at(0).rank, 2);
}

TEST(StragglerWatch, FindsTheSlowerOfTwo) {
  StragglerWatch watch;
  EXPECT_EQ(watch.judge(std::vector<RankPace>{{30, 100}, {10, 100}}).at(0).rank, 0);
}

TEST(StragglerWatch, LeavesOutRanksWithoutImages) {
  StragglerWatch watch;
  EXPECT_TRUE(watch.judge(std::vector<RankPace>{{5, 0}, {10, 100}, {10, 100}}).empty());
  EXPECT_TRUE(watch.judge(std::vector<RankPace>{{5, 0}, {10, 100}}).empty());
  EXPECT_TRUE(watch.judge(std::vector<RankPace>{{0, 0}, {0, 0}}).empty());
  EXPECT_TRUE(watch.judge({}).empty());
}

}  // namespace
}  // namespace ft
