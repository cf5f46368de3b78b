// Hundreds of ranks, and too few file descriptors.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "watched_world.h"

namespace ft {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing_support::FileLimit;
using testing_support::kLoopback;
using testing_support::open_descriptors;
using testing_support::WatchedWorld;

// A sanitizer makes each turn many times as long.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

// 32 ranks a host.
std::vector<std::string> many_hosts(int ranks) {
  std::vector<std::string> hosts;
  hosts.reserve(static_cast<std::size_t>(ranks));
  for (int rank = 0; rank < ranks; ++rank) hosts.push_back(fmt::format("n{}", rank / 32));
  return hosts;
}

class LargeWorld : public testing::Test {
 protected:
  static constexpr int kRanks = kSanitized ? 256 : 512;
  static constexpr std::size_t kVictim = 200;

  void SetUp() override {
    if (!limit_.set(kDescriptors)) GTEST_SKIP() << "the hard limit of `ulimit -n` is under " << kDescriptors;
  }

  // All of them live in this process.
  static constexpr rlim_t kDescriptors = 16'384;
  FileLimit limit_{1024};
};

TEST_F(LargeWorld, NamesOneOfHundreds) {
  WatchedWorld world(many_hosts(kRanks));
  world.join();
  world.pass(seconds(2));
  ASSERT_TRUE(world.verdicts.empty());
  EXPECT_LT(open_descriptors().size(), 3 * kRanks + 100U)
      << "a door for each rank, and one connection to rank 0";
  world.kill(kVictim);
  ASSERT_TRUE(world.run_until([&] { return world.verdicts.size() == kRanks - 1; }));
  EXPECT_THAT(world.speakers(), ElementsAre(0U));
  EXPECT_THAT(world.verdicts[kRanks - 1].text, HasSubstr("rank 200 on n6 is gone (connection closed"));
  EXPECT_TRUE(world.run_until([&] { return world.at(0).told(); }));
}

TEST_F(LargeWorld, LosesRank0) {
  WatchedWorld world(many_hosts(kRanks));
  world.join();
  world.pass(seconds(2));
  const auto before = world.now;
  world.kill(0);
  ASSERT_TRUE(world.run_until([&] { return world.verdicts.size() == kRanks - 1; }));
  EXPECT_THAT(world.speakers(), ElementsAre(1U));
  EXPECT_LT(world.now - before, seconds(3));
}

TEST_F(LargeWorld, LosesTheHostOfRank0) {
  constexpr std::size_t kPerHost = 32;
  WatchedWorld world(many_hosts(96));
  world.join();
  world.pass(seconds(2));
  for (std::size_t rank = 0; rank < kPerHost; ++rank) world.freeze(rank);
  const auto before = world.now;
  ASSERT_TRUE(world.run_until([&] { return world.verdicts.size() == 64; }));
  EXPECT_LT(world.now - before, seconds(10 + 5)) << "peer_timeout and 5 s";
  EXPECT_THAT(world.speakers(), ElementsAre(kPerHost));
  EXPECT_THAT(world.verdicts[95].text, HasSubstr("on n0 and 16 more are gone (silent for"));
}

// Those who speak tell so many others that they cannot hold a connection to each at the same time.
TEST_F(LargeWorld, IsToldSomeAtATime) {
  WatchedWorld world(many_hosts(kRanks));
  std::vector<int> all;
  for (int rank = 1; rank < kRanks; ++rank) all.push_back(rank);
  Verdict verdict;
  verdict.ranks = {0};
  verdict.text = "rank 0 on n0 is gone";
  world.kill(0);
  const auto before = open_descriptors().size();
  Herald herald(1, world.roster, all, verdict, world.now);
  EXPECT_LT(open_descriptors().size() - before, 200U);
  ASSERT_TRUE(world.run_until([&] {
    PollSet set;
    herald.add_to(set);
    set.wait(milliseconds(0));
    herald.go_on(set, world.now);
    return herald.done() && world.verdicts.size() == kRanks - 1;
  }));
}

// A rank 0 whose limit is too low for its world.
class Crowded : public testing::Test {
 protected:
  static constexpr int kRanks = 64;

  void SetUp() override {
    if (kSanitized) GTEST_SKIP() << "a sanitizer that may open no files takes good objects for bad ones";
  }

  // So few that rank 0 cannot take everybody in. The limit is one of numbers: the lowest free one is the
  // next.
  void allow(rlim_t more) {
    const Socket next(::dup(STDERR_FILENO));
    limit.set(static_cast<rlim_t>(next.descriptor()) + more);
  }

  FileLimit limit{1024};
  WatchedWorld world{many_hosts(kRanks)};
};

TEST_F(Crowded, DoesNotJoinAndSaysWhatToRaise) {
  // Each that joins takes two here, one on either side.
  allow(kRanks);
  world.pass(seconds(5));
  EXPECT_FALSE(world.at(0).joined());
  EXPECT_THAT(world.at(0).missing().what, HasSubstr("rank 0 may open no more files"));
  EXPECT_THAT(world.at(0).missing().hint, HasSubstr("ulimit -n 640"));
  EXPECT_TRUE(world.verdicts.empty()) << "nobody is gone";
  limit.set(1024);
  world.join();
  world.pass(seconds(20));
  EXPECT_TRUE(world.verdicts.empty());
}

TEST_F(Crowded, DoesNotSpinBeforeADoorThatCannotBeOpened) {
  const auto waiting = Connection::to(world.roster.ranks[0].address, kLoopback);
  testing_support::wait_for_delivery();
  allow(0);
  for (int turn = 0; turn < 3; ++turn) {
    static_cast<void>(world.at(0).turn(milliseconds(0), -1));
  }
  // The test's clock stands still: it is not time to try again.
  const auto before = std::chrono::steady_clock::now();
  static_cast<void>(world.at(0).turn(milliseconds(30), -1));
  EXPECT_GE(std::chrono::steady_clock::now() - before, milliseconds(29));
}

}  // namespace
}  // namespace ft
