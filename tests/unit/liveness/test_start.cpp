// Losses before all have joined.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "watched_world.h"

namespace ft {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing_support::kLoopback;
using testing_support::WatchedWorld;

class Start : public testing::Test {
 protected:
  void expect_known(const std::vector<std::size_t>& survivors, std::size_t speaker,
                    const std::vector<int>& lost) {
    ASSERT_TRUE(world.run_until(
        [&] { return std::ranges::all_of(survivors, [&](std::size_t rank) { return world.knows(rank); }); }));
    for (const auto rank : survivors) EXPECT_EQ(world.verdicts[rank].ranks, lost) << "on rank " << rank;
    EXPECT_THAT(world.speakers(), ElementsAre(speaker));
  }

  WatchedWorld world{{"n0", "n0", "n1", "n1"}};
};

TEST_F(Start, ARankThatDiesBeforeItJoinsIsMissed) {
  const auto before = world.now;
  world.kill(2);
  expect_known({0, 1, 3}, 0, {2});
  EXPECT_LT(world.now - before, seconds(1)) << "on the test's clock: then the launcher ends the others";
  EXPECT_EQ(world.verdicts[0].text, fmt::format("rank 2 on n1 has ended, or 127.0.0.1:{} is not its address "
                                                "(connection refused)",
                                                world.roster.ranks[2].address.port));
  EXPECT_THAT(world.verdicts[0].hint, HasSubstr("logs/rank-0002.log on n1; dist.interface names"));
}

TEST_F(Start, ARankThatJoinsAndDiesBeforeTheOthersJoinIsMissed) {
  world.freeze(3);
  world.pass(seconds(1));
  world.kill(2);
  expect_known({0, 1}, 0, {2});
  // The last one to come learns why nobody waits for it.
  world.thaw(3);
  ASSERT_TRUE(world.run_until([&] { return world.knows(3); }));
  EXPECT_EQ(world.verdicts[3].ranks, std::vector<int>{2});
  EXPECT_THAT(world.speakers(), ElementsAre(0U));
}

TEST_F(Start, TheLastToComeLearnsItThoughRank0HasEnded) {
  world.freeze(3);
  world.kill(2);
  expect_known({0, 1}, 0, {2});
  world.pass(milliseconds(500));
  world.kill(0);
  world.thaw(3);
  ASSERT_TRUE(world.run_until([&] { return world.knows(3); }));
  EXPECT_EQ(world.verdicts[3].ranks, std::vector<int>{2});
}

TEST_F(Start, SeveralThatDieBeforeTheyJoinAreNamedTogether) {
  world.kill(2);
  world.kill(3);
  expect_known({0, 1}, 0, {2, 3});
  EXPECT_THAT(world.verdicts[0].text, HasSubstr("ranks 2, 3 on n1 have ended, or 127.0.0.1:"));
  EXPECT_THAT(world.verdicts[0].text, HasSubstr(" is not that of rank 2 (connection refused)"));
}

TEST_F(Start, ARank0ThatDiesBeforeAnyoneJoinsIsMissed) {
  const auto before = world.now;
  world.kill(0);
  expect_known({1, 2, 3}, 1, {0});
  EXPECT_LT(world.now - before, seconds(1));
  EXPECT_THAT(world.verdicts[3].text, HasSubstr("rank 0 on n0 has ended, or 127.0.0.1:"));
  EXPECT_FALSE(world.at(1).joined());
}

TEST_F(Start, ALateRankIsNotGone) {
  world.freeze(2);
  world.pass(seconds(9));
  EXPECT_TRUE(world.verdicts.empty());
  world.thaw(2);
  world.join();
  world.pass(seconds(30));
  EXPECT_TRUE(world.verdicts.empty());
}

// Its main fails while the others connect.
TEST_F(Start, AFailureRightBehindTheFirstWordIsHeard) {
  world.freeze(3);
  auto connection = Connection::to(world.roster.ranks[0].address, kLoopback);
  testing_support::wait_for_delivery();
  static_cast<void>(connection.handle(connection.events()));
  connection.send(hello(world.roster.token, 3, Nature::kJoin));
  connection.send(failure_message({"out of memory"}));
  ASSERT_TRUE(world.run_until([&] { return world.knows(0) && world.knows(1) && world.knows(2); }));
  EXPECT_EQ(world.verdicts[2].text, "rank 3 on n1 ended with an error: out of memory");
  EXPECT_TRUE(world.speakers().empty()) << "it has said it itself";
}

}  // namespace
}  // namespace ft
