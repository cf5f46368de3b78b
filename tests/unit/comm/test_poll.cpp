#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>

#include "ft/base/error.h"
#include "ft/comm/poll.h"

namespace ft {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(PollPacer, SleepsInProportionToTheWait) {
  const PollPacer pacer(kPatientSleep);
  EXPECT_EQ(pacer.next_sleep(microseconds(0)), microseconds(20));
  EXPECT_EQ(pacer.next_sleep(milliseconds(32)), microseconds(1'000));
  EXPECT_EQ(pacer.next_sleep(seconds(100)), microseconds(20'000));
}

TEST(PollPacer, StaysBriefWhereAskedTo) {
  EXPECT_EQ(PollPacer(kBriefSleep).next_sleep(seconds(100)), microseconds(1'000));
}

TEST(PollPacer, LeavesTheThreadsTimerAsItWas) {
  if (prctl(PR_SET_TIMERSLACK, 7'000) != 0) GTEST_SKIP() << "this system lets no thread set its timer slack";
  PollPacer(kBriefSleep).sleep();
  EXPECT_EQ(prctl(PR_GET_TIMERSLACK), 7'000);
  prctl(PR_SET_TIMERSLACK, 0);  // the default again
}

TEST(PollUntil, ReturnsOnceDone) {
  int polls = 0;
  poll_until([&] { return ++polls == 5; }, deadline_after(seconds(10)), kBriefSleep, "counting");
  EXPECT_EQ(polls, 5);
}

TEST(PollUntil, NamesTheOperationAtTheDeadline) {
  try {
    poll_until([] { return false; }, deadline_after(milliseconds(5)), kBriefSleep, "averaging gradients");
    FAIL() << "returned";
  } catch (const PeerError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("averaging gradients"));
    EXPECT_THAT(error.hint(), testing::HasSubstr("dist.timeout_s"));
  }
}

TEST(PollUntil, AcceptsWhatIsDoneAfterTheDeadline) {
  poll_until([] { return true; }, deadline_after(seconds(-1)), kBriefSleep, "late");
}

class FakeWatch final : public PeerWatch {
 public:
  void require_all_alive() override {
    if (++asked == lost_after) throw PeerError("rank 3 on n1 is gone");
  }
  [[nodiscard]] std::chrono::duration<double> since_progress() override { return progress; }
  void begin_wait(std::string_view what) override { waiting_in = what; }
  void end_wait() noexcept override { waiting_in.clear(); }

  int asked = 0;
  int lost_after = -1;
  std::chrono::duration<double> progress{1e9};
  std::string waiting_in;
};

TEST(PollUntil, EndsWhenARankIsLost) {
  FakeWatch watch;
  watch.lost_after = 3;
  try {
    poll_until([] { return false; }, deadline_after(seconds(1000)), kBriefSleep, "waiting", &watch);
    FAIL() << "returned";
  } catch (const PeerError& error) {
    EXPECT_STREQ(error.what(), "rank 3 on n1 is gone");
  }
  EXPECT_EQ(watch.waiting_in, "");
}

TEST(PollUntil, SaysWhatItWaitsIn) {
  FakeWatch watch;
  std::string seen;
  poll_until(
      [&] {
        seen = watch.waiting_in;
        return !seen.empty();
      },
      deadline_after(seconds(10)), kBriefSleep, "averaging gradients", &watch);
  EXPECT_EQ(seen, "averaging gradients");
}

TEST(PollUntil, IsExtendedByProgress) {
  FakeWatch watch;
  watch.progress = seconds(1);
  int polls = 0;
  poll_until(
      [&] {
        // Past its deadline by far; then nothing gets on any more.
        if (++polls == 20) watch.progress = seconds(1000);
        return polls == 20;
      },
      deadline_after(milliseconds(1)), kBriefSleep, "an evaluation", &watch);
  EXPECT_EQ(polls, 20);
  EXPECT_THROW(poll_until([] { return false; }, deadline_after(milliseconds(1)), kBriefSleep, "x", &watch),
               PeerError);
}

// Done at the third test.
class ThirdTimeLucky final : public Work {
 public:
  [[nodiscard]] bool test() override { return ++tests_ >= 3; }

 private:
  int tests_ = 0;
};

TEST(Work, WaitTestsUntilDone) {
  ThirdTimeLucky work;
  work.wait(deadline_after(seconds(10)), "a work");
  EXPECT_TRUE(work.test());
}

TEST(ElementKind, HasItsSize) {
  EXPECT_EQ(byte_size(ElementKind::kUInt8), 1U);
  EXPECT_EQ(byte_size(ElementKind::kBFloat16), 2U);
  EXPECT_EQ(byte_size(ElementKind::kFloat32), 4U);
  EXPECT_EQ(byte_size(ElementKind::kFloat64), 8U);
  EXPECT_EQ(byte_size(ElementKind::kInt64), 8U);
}

}  // namespace
}  // namespace ft
