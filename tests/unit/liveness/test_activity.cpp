#include <thread>

#include <gtest/gtest.h>

#include "ft/comm/liveness/activity.h"

namespace ft {
namespace {

TEST(Activity, BeginsWithNothing) {
  const Activity activity;
  EXPECT_EQ(activity.report().to_string(), "");
  EXPECT_FALSE(activity.report().since_progress);
}

TEST(Activity, NamesTheStepAndTheWait) {
  Activity activity;
  activity.at_step(812);
  EXPECT_EQ(activity.report().to_string(), "in step 812");
  activity.begin_wait("all-reduce of gradient bucket 2 of 3");
  EXPECT_EQ(activity.report().to_string(), "in step 812, all-reduce of gradient bucket 2 of 3");
  activity.end_wait();
  EXPECT_EQ(activity.report().to_string(), "in step 812");
}

TEST(Activity, SaysHowFarALongPieceOfWorkIs) {
  Activity activity;
  activity.enter("evaluating");
  EXPECT_EQ(activity.report().to_string(), "in evaluating");
  activity.progress(300, 500);
  EXPECT_EQ(activity.report().to_string(), "in evaluating, 300 of 500");
  activity.progress(7, 0);
  EXPECT_EQ(activity.report().to_string(), "in evaluating, 7");
  // A wait inside it is what it hangs in.
  activity.begin_wait("the end");
  EXPECT_EQ(activity.report().to_string(), "in the end");
  activity.end_wait();
  activity.leave();
  EXPECT_EQ(activity.report().to_string(), "");
}

TEST(Activity, ProgressAgesUntilTheNext) {
  using std::chrono::seconds;
  Activity activity;
  activity.progress(1, 2);
  const auto later = Activity::Clock::now() + seconds(100);
  EXPECT_GE(activity.report(later).since_progress, seconds(99));
  activity.at_step(5);
  EXPECT_GE(activity.report(later).since_progress, seconds(99)) << "a step is no progress of a long work";
}

TEST(Activity, IsSafeBetweenThreads) {
  Activity activity;
  std::jthread writer([&](const std::stop_token& stop) {
    for (std::uint64_t step = 1; !stop.stop_requested(); ++step) {
      activity.at_step(step);
      activity.begin_wait("a wait whose text does not fit into a small string's own memory");
      activity.end_wait();
    }
  });
  std::uint64_t last = 0;
  for (int i = 0; i < 2000; ++i) {
    const auto report = activity.report();
    ASSERT_GE(report.step, last);
    last = report.step;
  }
}

}  // namespace
}  // namespace ft
