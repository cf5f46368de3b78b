// A last word must have arrived before its speaker leaves: over a link that loses packets, what is on its way
// when a socket is closed may never come.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "watched_world.h"

namespace ft {
namespace {

using std::chrono::seconds;
using testing_support::kLoopback;
using testing_support::WatchedWorld;

class Farewells : public testing::Test {
 protected:
  void SetUp() override {
    world.join();
    world.pass(seconds(2));
  }

  WatchedWorld world{{"n0", "n0", "n1"}};
};

TEST_F(Farewells, OfAMemberWaitForRank0ToTakeThem) {
  world.freeze(0);
  world.at(2).say_farewell();
  world.pass(seconds(1));
  EXPECT_FALSE(world.at(2).told()) << "it is with the kernel at best";
  world.thaw(0);
  EXPECT_TRUE(world.run_until([&] { return world.at(2).told(); }));
  world.kill(2);
  world.pass(seconds(30));
  EXPECT_TRUE(world.verdicts.empty());
}

TEST_F(Farewells, OfRank0WaitForEveryMember) {
  world.freeze(1);
  world.at(0).say_farewell();
  world.pass(seconds(1));
  EXPECT_FALSE(world.at(0).told());
  world.thaw(1);
  EXPECT_TRUE(world.run_until([&] { return world.at(0).told(); }));
  world.kill(0);
  world.pass(seconds(30));
  EXPECT_TRUE(world.verdicts.empty());
}

TEST_F(Farewells, OfAllAtOnceEnd) {
  for (std::size_t rank = 0; rank < 3; ++rank) world.at(rank).say_farewell();
  EXPECT_TRUE(world.run_until([&] {
    for (std::size_t rank = 0; rank < 3; ++rank) {
      if (!world.at(rank).told()) return false;
    }
    return true;
  }));
  EXPECT_TRUE(world.verdicts.empty());
}

TEST_F(Farewells, AreOverWhereRank0IsNoLongerThere) {
  world.at(0).say_farewell();
  world.pass(seconds(1));
  world.kill(0);
  world.at(1).say_farewell();
  world.pass(seconds(1));
  EXPECT_TRUE(world.at(1).told());
}

TEST_F(Farewells, AVerdictWaitsForThoseWhoLiveAndForNobodyElse) {
  world.freeze(1);
  world.kill(2);
  ASSERT_TRUE(world.run_until([&] { return world.knows(0); }));
  world.pass(seconds(1));
  EXPECT_FALSE(world.at(0).told());
  world.thaw(1);
  ASSERT_TRUE(world.run_until([&] { return world.at(0).told(); }));
  EXPECT_TRUE(world.knows(1));

  WatchedWorld other({"n0", "n0", "n1"});
  other.join();
  other.freeze(2);
  ASSERT_TRUE(other.run_until([&] { return other.knows(0); }));
  other.pass(seconds(1));
  EXPECT_TRUE(other.at(0).told()) << "the stopped rank is the one that is lost";
}

TEST_F(Farewells, AFailureWaitsForRank0ToTakeIt) {
  world.freeze(0);
  world.at(1).tell_failure({"disk full"});
  world.pass(seconds(1));
  EXPECT_FALSE(world.at(1).told());
  world.thaw(0);
  EXPECT_TRUE(world.run_until([&] { return world.at(1).told() && world.knows(2); }));
}

// The mechanism itself: both ends.
TEST(Connection, EndsOnceTheOtherEndHasReadAll) {
  TcpAddress address{kLoopback, 0};
  const Socket listener = listen_on(address);
  auto here = Connection::to(address, kLoopback);
  testing_support::wait_for_delivery();
  int error = 0;
  Connection there(accept_from(listener, error));
  ASSERT_TRUE(there.open());
  there.send({MessageKind::kAlive, {}});  // stays unread on this side until the end
  static_cast<void>(here.handle(POLLOUT));
  here.send({MessageKind::kFarewell, {}});
  here.finish();
  testing_support::wait_for_delivery();
  static_cast<void>(here.handle(POLLIN));
  EXPECT_TRUE(here.open());
  EXPECT_FALSE(here.settled());

  const auto heard = there.handle(POLLIN);
  ASSERT_EQ(heard.size(), 1U);
  EXPECT_EQ(heard[0].kind, MessageKind::kFarewell);
  EXPECT_FALSE(there.open());
  testing_support::wait_for_ends({address.port});
  static_cast<void>(here.handle(POLLIN));
  EXPECT_FALSE(here.open());
  EXPECT_TRUE(here.settled());
}

TEST(Connection, KnowsThatItWasRefused) {
  TcpAddress address{kLoopback, 0};
  { const Socket listener = listen_on(address); }
  auto connection = Connection::to(address, kLoopback);
  testing_support::wait_for_delivery();
  static_cast<void>(connection.handle(POLLOUT));
  EXPECT_FALSE(connection.open());
  EXPECT_TRUE(connection.refused());
}

}  // namespace
}  // namespace ft
