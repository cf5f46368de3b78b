#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ft/base/error.h"
#include "ft/comm/bucket_layout.h"

namespace ft {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Buckets {5, 4}, {3, 2}, {1, 0}.
BucketLayout three_buckets_of_two() {
  const std::vector<ParameterSlot> parameters(6, ParameterSlot{16, 0});
  return {parameters, 128, 128};
}

TEST(BucketTracker, ReleasesABucketWithItsLastGradient) {
  const auto layout = three_buckets_of_two();
  BucketTracker tracker(layout);
  EXPECT_EQ(tracker.mark_ready(5), 0U);
  EXPECT_EQ(tracker.mark_ready(4), 1U);
  EXPECT_EQ(tracker.launched(), 1U);
  EXPECT_FALSE(tracker.all_launched());
}

TEST(BucketTracker, HoldsAFullBucketUntilAllBeforeItHaveLeft) {
  const auto layout = three_buckets_of_two();
  BucketTracker tracker(layout);
  EXPECT_EQ(tracker.mark_ready(0), 0U);
  EXPECT_EQ(tracker.mark_ready(1), 0U) << "the last bucket is full, but two are before it";
  EXPECT_EQ(tracker.mark_ready(3), 0U);
  EXPECT_EQ(tracker.mark_ready(2), 0U);
  EXPECT_EQ(tracker.mark_ready(4), 0U);
  EXPECT_EQ(tracker.mark_ready(5), 3U) << "now all leave at once";
  EXPECT_TRUE(tracker.all_launched());
}

TEST(BucketTracker, NamesTheGradientsThatNeverCame) {
  const auto layout = three_buckets_of_two();
  BucketTracker tracker(layout);
  for (const std::size_t parameter : {5, 4, 2, 0}) static_cast<void>(tracker.mark_ready(parameter));
  EXPECT_THAT(tracker.missing(), ElementsAre(1, 3));
}

TEST(BucketTracker, StartsAfreshAfterReset) {
  const auto layout = three_buckets_of_two();
  BucketTracker tracker(layout);
  for (int pass = 0; pass < 2; ++pass) {
    for (const std::size_t parameter : {5, 4, 3, 2, 1, 0}) static_cast<void>(tracker.mark_ready(parameter));
    EXPECT_TRUE(tracker.all_launched());
    EXPECT_THAT(tracker.missing(), IsEmpty());
    tracker.reset();
    EXPECT_EQ(tracker.launched(), 0U);
    EXPECT_EQ(tracker.missing().size(), 6U);
  }
}

TEST(BucketTracker, RefusesAGradientThatComesTwice) {
  const auto layout = three_buckets_of_two();
  BucketTracker tracker(layout);
  static_cast<void>(tracker.mark_ready(3));
  try {
    static_cast<void>(tracker.mark_ready(3));
    FAIL() << "accepted twice";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kBug);
    EXPECT_THAT(error.what(), testing::HasSubstr("parameter 3"));
  }
}

TEST(BucketTracker, RefusesAnUnknownParameter) {
  const auto layout = three_buckets_of_two();
  BucketTracker tracker(layout);
  EXPECT_THROW(static_cast<void>(tracker.mark_ready(6)), Error);
}

TEST(BucketTracker, OfNothingIsDoneAtOnce) {
  const BucketLayout layout;
  EXPECT_TRUE(BucketTracker(layout).all_launched());
}

}  // namespace
}  // namespace ft
