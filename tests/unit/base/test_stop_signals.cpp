#include <atomic>
#include <chrono>
#include <csignal>
#include <fstream>
#include <functional>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "ft/base/stop_signals.h"

namespace ft {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using testing::HasSubstr;

void send(int signal) {
  ::kill(::getpid(), signal);
}

// Until it holds, or the test's own limit ends it.
void wait_for(const std::function<bool()>& condition) {
  while (!condition()) std::this_thread::sleep_for(milliseconds(1));
}

// A process that notes its end instead of ending.
class StopSignalsTest : public testing::Test {
 protected:
  void make(milliseconds patience = hours(1)) {
    signals_.emplace(
        "rank 1 on n0", [this](int code) { exit_ = code; }, patience);
  }
  void wait_for_end(int code) {
    wait_for([this] { return exit_ >= 0; });
    EXPECT_EQ(exit_, code);
  }
  StopSignals::Record recorder() {
    return [this](int code, const std::string& reason) {
      recorded_code_ = code;
      recorded_ = reason;
    };
  }
  // A later signal that is taken shows that all before it have been.
  void expect_no_end_after(int signal) {
    send(signal);
    std::this_thread::sleep_for(milliseconds(50));
    EXPECT_EQ(exit_, -1);
  }

  std::atomic<int> exit_{-1};
  int recorded_code_ = -1;
  std::string recorded_;
  std::optional<StopSignals> signals_;
};

TEST_F(StopSignalsTest, KeepsAnEarlyRequestForTraining) {
  hold_stop_signals();
  send(SIGUSR1);
  make();
  wait_for([this] { return !signals_->received().empty(); });
  const StopSignals::Training training(*signals_, false, {});
  EXPECT_EQ(signals_->received(), "SIGUSR1");
  EXPECT_FALSE(signals_->told_to_end());
  EXPECT_EQ(exit_, -1);
}

TEST_F(StopSignalsTest, EndsWhatHasNothingToSave) {
  for (const int signal : {SIGUSR1, SIGTERM, SIGINT}) {
    exit_ = -1;
    make();
    signals_->does("eval");
    signals_->set_activity([] { return "in evaluation, 3 of 5"; });
    testing::internal::CaptureStderr();
    send(signal);
    wait_for_end(128 + signal);
    EXPECT_THAT(testing::internal::GetCapturedStderr(),
                testing::MatchesRegex("ft_dist: rank 1 on n0: ended by SIG[A-Z0-9]+ while running eval, in "
                                      "evaluation, 3 of 5\n"));
    signals_.reset();
  }
}

TEST_F(StopSignalsTest, EndsWhatTurnsOutToHaveNothingToSave) {
  make();
  send(SIGUSR1);
  wait_for([this] { return !signals_->received().empty(); });
  EXPECT_EQ(exit_, -1);
  signals_->does("check");
  EXPECT_EQ(exit_, 128 + SIGUSR1);
}

TEST_F(StopSignalsTest, EndsAStartBySigtermAndNotByARequest) {
  make();
  expect_no_end_after(SIGUSR1);
  testing::internal::CaptureStderr();
  send(SIGTERM);
  wait_for_end(128 + SIGTERM);
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "ft_dist: rank 1 on n0: ended by SIGTERM while starting\n");
}

// As slurmd sends it at a time limit.
TEST_F(StopSignalsTest, TakesSigtermTwiceInARowForOneOrder) {
  make();
  const StopSignals::Training training(*signals_, false, recorder());
  send(SIGTERM);
  wait_for([this] { return signals_->told_to_end(); });
  expect_no_end_after(SIGTERM);
  std::this_thread::sleep_for(StopSignals::kSameOrder);
  send(SIGTERM);
  wait_for_end(128 + SIGTERM);
}

TEST_F(StopSignalsTest, LeavesASaveThatAllHaveAgreedOnToSigkill) {
  make();
  const StopSignals::Training training(*signals_, false, recorder());
  send(SIGTERM);
  wait_for([this] { return signals_->told_to_end(); });
  signals_->agreed();
  std::this_thread::sleep_for(StopSignals::kSameOrder);
  expect_no_end_after(SIGTERM);
  send(SIGINT);
  wait_for_end(128 + SIGINT);
}

TEST_F(StopSignalsTest, EndsAnEndThatHangsWhenAskedAgain) {
  make();
  signals_->done();
  expect_no_end_after(SIGTERM);
  std::this_thread::sleep_for(std::chrono::milliseconds(1'100));
  send(SIGTERM);
  wait_for_end(128 + SIGTERM);
}

TEST_F(StopSignalsTest, TakesTheFirstSigtermInTrainingForARequestAndSaysSoAtOnce) {
  make();
  const StopSignals::Training training(*signals_, false, recorder());
  testing::internal::CaptureStderr();
  send(SIGTERM);
  wait_for([this] { return signals_->told_to_end(); });
  EXPECT_EQ(signals_->received(), "SIGTERM");
  EXPECT_EQ(exit_, -1);
  send(SIGINT);  // the end: what is said to the first one must have come before it
  wait_for_end(128 + SIGINT);
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              testing::MatchesRegex("ft_dist: rank 1 on n0: SIGTERM while training: asking all ranks to save "
                                    "and stop, .*\n.* ended by SIGINT while training.*\n"));
}

TEST_F(StopSignalsTest, LeavesRanksThatDoNotAgree) {
  make(milliseconds(50));
  const StopSignals::Training training(*signals_, false, recorder());
  testing::internal::CaptureStderr();
  send(SIGTERM);
  wait_for_end(4);
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              HasSubstr("ft_dist: error: rank 1 on n0: the ranks have not agreed to stop"));
  EXPECT_EQ(recorded_code_, 4);
  EXPECT_THAT(recorded_, HasSubstr("SIGTERM"));
}

TEST_F(StopSignalsTest, WaitsForWhatIsAgreed) {
  make(milliseconds(1));
  const StopSignals::Training training(*signals_, false, {});
  signals_->agreed();
  expect_no_end_after(SIGTERM);
}

TEST_F(StopSignalsTest, SetsNoLimitToAProcessOnItsOwnOrToCtrlC) {
  make(milliseconds(1));
  {
    const StopSignals::Training training(*signals_, true, {});
    expect_no_end_after(SIGTERM);
  }
  make(milliseconds(1));
  const StopSignals::Training training(*signals_, false, {});
  expect_no_end_after(SIGINT);
}

TEST_F(StopSignalsTest, EndsTrainingByASecondSignal) {
  make();
  const StopSignals::Training training(*signals_, true, recorder());
  send(SIGINT);
  wait_for([this] { return !signals_->received().empty(); });
  send(SIGTERM);
  wait_for_end(128 + SIGTERM);
  EXPECT_EQ(recorded_code_, 128 + SIGTERM);
}

TEST_F(StopSignalsTest, DisturbsNothingThatIsDone) {
  make();
  { const StopSignals::Training training(*signals_, true, {}); }
  expect_no_end_after(SIGTERM);
  expect_no_end_after(SIGINT);
}

TEST_F(StopSignalsTest, LeavesTheWordToWhoKnowsOfALostRank) {
  make();
  std::atomic<int> asked{0};
  signals_->set_peers({.lost = [&] { return ++asked > 0; }, .leave = {}});
  send(SIGTERM);
  wait_for([&] { return asked == 1; });
  EXPECT_EQ(exit_, -1);
  EXPECT_TRUE(signals_->told_to_end());
}

TEST_F(StopSignalsTest, TellsTheOthers) {
  make();
  std::string told;
  signals_->set_peers({.lost = [] { return false; },
                       .leave = [&](int, const std::string& what, bool /*said*/) { told = what; }});
  signals_->does("eval");
  send(SIGTERM);
  wait_for_end(128 + SIGTERM);
  EXPECT_EQ(told, "ended by SIGTERM while running eval");
}

TEST_F(StopSignalsTest, AFailureThatCannotBeSaidIsRecordedAndLeftToTheOthersToSay) {
  make();
  std::string told;
  std::string recorded;
  bool said = true;
  signals_->set_peers({.lost = [] { return false; },
                       .leave = [&](int, const std::string& what,
                                    bool could_be_said) { told = what, said = could_be_said; }});
  const StopSignals::Training training(*signals_, false,
                                       [&](int, const std::string& reason) { recorded = reason; });
  {
    // Standard error is a pipe that nobody reads any more.
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe(ends.data()), 0);
    ::close(ends[0]);
    const int before = ::dup(STDERR_FILENO);
    ::dup2(ends[1], STDERR_FILENO);
    ::close(ends[1]);
    signals_->fail(4, "the launcher is gone");
    ::dup2(before, STDERR_FILENO);
    ::close(before);
  }
  wait_for_end(4);
  EXPECT_EQ(recorded, "the launcher is gone");
  EXPECT_EQ(told, recorded);
  EXPECT_FALSE(said);
}

TEST_F(StopSignalsTest, WhatIsDoneCannotFail) {
  make();
  signals_->done();
  signals_->fail(4, "the launcher is gone");
  EXPECT_EQ(exit_, -1);
}

TEST_F(StopSignalsTest, DoesNotWaitForARecordThatCannotBeWritten) {
  make();
  std::atomic<bool> go_on{false};
  const StopSignals::Training training(
      *signals_, true, [&](int, const std::string&) { wait_for([&] { return go_on.load(); }); });
  send(SIGINT);
  wait_for([this] { return !signals_->received().empty(); });
  send(SIGINT);
  wait_for_end(128 + SIGINT);
  go_on = true;
}

TEST(StopSignals, MindsASigtermThatWasIgnoredBefore) {
  std::signal(SIGTERM, SIG_IGN);
  EXPECT_EXIT(
      {
        const StopSignals signals("rank 0 on n0");
        send(SIGTERM);
        std::this_thread::sleep_for(hours(1));
      },
      testing::ExitedWithCode(128 + SIGTERM), "ended by SIGTERM while starting");
  std::signal(SIGTERM, SIG_DFL);
}

TEST(StopSignals, LeavesASigintIgnoredThatWasSoBefore) {
  std::signal(SIGINT, SIG_IGN);
  EXPECT_EXIT(
      {
        const StopSignals signals("rank 0 on n0");
        send(SIGINT);
        std::this_thread::sleep_for(milliseconds(50));
        ::_exit(7);
      },
      testing::ExitedWithCode(7), "");
  std::signal(SIGINT, SIG_DFL);
}

}  // namespace
}  // namespace ft
