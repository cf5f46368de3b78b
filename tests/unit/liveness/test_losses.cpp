// Who is found to be lost, by whom, and who says so: exactly one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "watched_world.h"

namespace ft {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing_support::WatchedWorld;

using Ranks = std::vector<int>;

class Losses : public testing::Test {
 protected:
  void SetUp() override {
    world.join();
    world.pass(seconds(5));
    ASSERT_TRUE(world.verdicts.empty());
  }

  // All of them know that `lost` is, and only `speaker` found out.
  void expect_known(const std::vector<std::size_t>& survivors, std::size_t speaker, const Ranks& lost) {
    ASSERT_TRUE(world.run_until(
        [&] { return std::ranges::all_of(survivors, [&](std::size_t rank) { return world.knows(rank); }); }));
    for (const auto rank : survivors) EXPECT_EQ(world.verdicts[rank].ranks, lost) << "on rank " << rank;
    EXPECT_THAT(world.speakers(), ElementsAre(speaker));
  }

  WatchedWorld world{{"n0", "n0", "n1", "n1"}};
};

TEST_F(Losses, NobodyIsLostWhileAllBeat) {
  world.pass(seconds(60));
  EXPECT_TRUE(world.verdicts.empty());
}

TEST_F(Losses, AKilledRankIsMissedAtOnce) {
  world.activities[0].at_step(812);
  world.activities[0].begin_wait("all-reduce of gradient bucket 2 of 3");
  world.activities[3].at_step(811);
  world.pass(seconds(2));
  const auto before = world.now;
  world.kill(3);
  expect_known({0, 1, 2}, 0, {3});
  EXPECT_LT(world.now - before, seconds(2)) << "on the test's clock";
  EXPECT_THAT(world.verdicts[0].text, HasSubstr("rank 3 on n1 is gone (connection closed, "));
  EXPECT_THAT(world.verdicts[0].text, HasSubstr("before in step 811"));
  EXPECT_THAT(world.verdicts[0].text, HasSubstr("in step 812, all-reduce of gradient bucket 2 of 3"));
  EXPECT_EQ(world.verdicts[2].text, world.verdicts[0].text);
}

TEST_F(Losses, AHostThatDiesIsOneLoss) {
  world.kill(3);
  world.kill(2);
  expect_known({0, 1}, 0, {2, 3});
  EXPECT_THAT(world.verdicts[1].text, HasSubstr("ranks 2, 3 on n1 are gone"));
}

TEST_F(Losses, AStoppedRankIsMissedAfterTheTimeout) {
  const auto before = world.now;
  world.freeze(2);
  expect_known({0, 1, 3}, 0, {2});
  EXPECT_GT(world.now - before, seconds(9));
  EXPECT_LT(world.now - before, seconds(13));
  EXPECT_THAT(world.verdicts[0].text, HasSubstr("rank 2 on n1 is gone (silent for 10."));
  // Woken up by the launcher that is about to kill it, it blames nobody.
  world.thaw(2);
  ASSERT_TRUE(world.run_until([&] { return world.knows(2); }));
  EXPECT_TRUE(world.verdicts[2].names(2));
  EXPECT_THAT(world.speakers(), ElementsAre(0U));
}

TEST_F(Losses, SilentRanksAreNamedTogether) {
  world.freeze(2);
  world.pass(std::chrono::milliseconds(900));
  world.freeze(3);
  expect_known({0, 1}, 0, {2, 3});
}

TEST_F(Losses, ASuspicionIsEnoughForOneWhoIsToldToEnd) {
  world.freeze(2);
  world.pass(seconds(5));
  ASSERT_TRUE(world.verdicts.empty());
  const auto before = world.now;
  world.at(0).hurry();
  expect_known({0, 1, 3}, 0, {2});
  EXPECT_LT(world.now - before, seconds(1));
}

TEST_F(Losses, WhoIsToldToEndSuspectsNobodyWhoBeats) {
  for (std::size_t rank = 0; rank < 4; ++rank) world.at(rank).hurry();
  world.pass(seconds(30));
  EXPECT_TRUE(world.verdicts.empty());
}

TEST_F(Losses, AShortStopIsNoLoss) {
  world.freeze(2);
  world.pass(seconds(8));
  world.thaw(2);
  world.pass(seconds(30));
  EXPECT_TRUE(world.verdicts.empty());
}

TEST_F(Losses, WithoutRank0TheLowestSpeaks) {
  world.kill(0);
  expect_known({1, 2, 3}, 1, {0});
  EXPECT_THAT(world.verdicts[3].text, HasSubstr("rank 0 on n0 is gone (connection closed"));
}

TEST_F(Losses, WithoutRanks0And1Rank2Speaks) {
  world.kill(0);
  world.kill(1);
  expect_known({2, 3}, 2, {0, 1});
  EXPECT_THAT(world.verdicts[3].text, HasSubstr("ranks 0, 1 on n0 are gone"));
}

TEST_F(Losses, AStoppedRank0IsMissedByAll) {
  world.freeze(0);
  expect_known({1, 2, 3}, 1, {0});
  world.thaw(0);
  ASSERT_TRUE(world.run_until([&] { return world.knows(0); }));
  EXPECT_TRUE(world.verdicts[0].names(0));
  EXPECT_THAT(world.speakers(), ElementsAre(1U));
}

TEST_F(Losses, AHostThatStopsWithRank0) {
  world.freeze(0);
  world.freeze(1);
  expect_known({2, 3}, 2, {0, 1});
  for (const std::size_t rank : {0, 1}) world.thaw(rank);
  ASSERT_TRUE(world.run_until([&] { return world.knows(0) && world.knows(1); }));
  // Rank 1 finds the news at its door before it asks around.
  EXPECT_THAT(world.speakers(), ElementsAre(2U));
}

TEST_F(Losses, ARankThatComesLateToTheLossOfRank0DoesNotSpeakAgain) {
  world.freeze(3);
  world.kill(0);
  expect_known({1, 2}, 1, {0});
  // Those who knew have gone when it wakes up.
  world.kill(1);
  world.kill(2);
  world.thaw(3);
  ASSERT_TRUE(world.run_until([&] { return world.knows(3); }));
  EXPECT_EQ(world.verdicts[3].ranks, Ranks{0});
  EXPECT_THAT(world.speakers(), ElementsAre(1U));
}

TEST_F(Losses, AFailureIsToldByWhoeverHasIt) {
  world.at(2).tell_failure({"disk full"});
  world.pass(seconds(1));
  world.kill(2);
  ASSERT_TRUE(world.run_until([&] { return world.knows(0) && world.knows(1) && world.knows(3); }));
  EXPECT_TRUE(world.speakers().empty()) << "rank 2 has said it itself";
  EXPECT_TRUE(world.verdicts[3].failed);
  EXPECT_EQ(world.verdicts[3].text, "rank 2 on n1 ended with an error: disk full");
}

// Its launcher's daemon is gone, and with it the way that its words would have gone.
TEST_F(Losses, AFailureThatCouldNotBeSaidIsSaidByRank0) {
  world.at(2).tell_failure({"the launcher is gone", /*said=*/false});
  world.pass(seconds(1));
  world.kill(2);
  ASSERT_TRUE(world.run_until([&] { return world.knows(0) && world.knows(1) && world.knows(3); }));
  EXPECT_THAT(world.speakers(), ElementsAre(0U));
  EXPECT_EQ(world.verdicts[0].text, "rank 2 on n1 ended with an error: the launcher is gone");
}

TEST_F(Losses, AFailureOfRank0IsToldToo) {
  world.at(0).tell_failure({"no room"});
  world.kill(0);
  ASSERT_TRUE(world.run_until([&] { return world.knows(1) && world.knows(2) && world.knows(3); }));
  EXPECT_TRUE(world.speakers().empty());
  EXPECT_EQ(world.verdicts[1].text, "rank 0 on n0 ended with an error: no room");
}

TEST_F(Losses, WhoSaysFarewellIsNotLost) {
  for (const std::size_t rank : {3, 1}) {
    world.at(rank).say_farewell();
    world.pass(seconds(1));
    world.kill(rank);
  }
  world.pass(seconds(30));
  world.at(0).say_farewell();
  world.pass(seconds(1));
  world.kill(0);
  world.pass(seconds(30));
  EXPECT_TRUE(world.verdicts.empty());
}

TEST_F(Losses, ProgressReachesEveryone) {
  EXPECT_FALSE(world.at(3).progressed());
  world.activities[2].enter("evaluating");
  world.pass(seconds(3));
  for (std::size_t rank = 0; rank < 4; ++rank) {
    if (rank == 2) continue;  // it has no use for its own
    ASSERT_TRUE(world.at(rank).progressed()) << rank;
  }
}

// Rank 2 asks around while rank 0 is silent; then both that it misses come back.
TEST_F(Losses, WhoComesBackWhileOthersAskAroundIsNotLost) {
  world.freeze(0);
  world.freeze(1);
  world.pass(std::chrono::milliseconds(11'700));
  ASSERT_TRUE(world.verdicts.empty());
  world.thaw(0);
  world.thaw(1);
  world.pass(seconds(60));
  EXPECT_TRUE(world.verdicts.empty()) << world.verdicts.begin()->second.text;
  // And all is as before.
  world.kill(0);
  expect_known({1, 2, 3}, 1, {0});
}

TEST_F(Losses, ALowRankThatSleptThroughTheLossOfRank0DoesNotSpeakAgain) {
  world.freeze(1);
  world.kill(0);
  expect_known({2, 3}, 2, {0, 1});
  world.thaw(1);
  ASSERT_TRUE(world.run_until([&] { return world.knows(1); }));
  EXPECT_THAT(world.speakers(), ElementsAre(2U));
  EXPECT_TRUE(world.verdicts[1].names(1));
}

// The same, but it slept only after it had begun to ask around itself.
TEST_F(Losses, ALowRankThatSleepsBeforeItSpeaksLooksAtItsDoorFirst) {
  world.kill(0);
  static_cast<void>(world.at(1).turn(std::chrono::milliseconds(0), -1));
  world.freeze(1);
  expect_known({2, 3}, 2, {0, 1});
  world.thaw(1);
  ASSERT_TRUE(world.run_until([&] { return world.knows(1); }));
  EXPECT_THAT(world.speakers(), ElementsAre(2U));
}

TEST_F(Losses, NobodySpeaksForALowRankThatIsMerelySlow) {
  world.freeze(1);
  world.kill(0);
  world.pass(seconds(1));
  ASSERT_TRUE(world.verdicts.empty());
  world.thaw(1);
  expect_known({1, 2, 3}, 1, {0});
}

TEST_F(Losses, SaysWhoIsBusyElsewhere) {
  for (const std::size_t rank : {1, 2}) world.activities[rank].begin_wait("the end of an evaluation");
  world.activities[0].at_step(12);
  world.activities[0].enter("evaluating");
  world.activities[0].progress(300, 500);
  world.activities[3].at_step(11);
  world.pass(seconds(2));
  EXPECT_THAT(world.at(1).busy_elsewhere("the end of an evaluation"),
              testing::StartsWith("rank 0 on n0 in step 12, evaluating, 300 of 500 (for "));
  // It does what the others wait for, under the same name.
  EXPECT_THAT(world.at(1).busy_elsewhere("evaluating"),
              testing::StartsWith("rank 0 on n0 in step 12, evaluating"));
  EXPECT_THAT(world.at(0).busy_elsewhere("the end of an evaluation"),
              testing::MatchesRegex("rank 3 on n1 in step 11 \\(for [0-9]+\\.[0-9] s\\)"));
}

}  // namespace
}  // namespace ft
