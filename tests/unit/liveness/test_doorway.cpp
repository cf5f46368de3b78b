// What comes in from outside: strangers, garbage, half-open connections, second tries.
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "watched_world.h"

namespace ft {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing_support::kLoopback;
using testing_support::WatchedWorld;

class Intruder {
 public:
  explicit Intruder(const TcpAddress& address) : connection_(Connection::to(address, kLoopback)) {}

  void say(const Message& message) { connection_.send(message); }
  void say_bytes(const std::string& bytes) {
    for (int i = 0; i < 200 && ::send(connection_.descriptor(), bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0;
         ++i) {
      std::this_thread::sleep_for(milliseconds(1));
    }
  }
  // What the other end has sent, and whether it has hung up.
  std::vector<Message> hear() { return connection_.handle(connection_.events()); }
  [[nodiscard]] bool open() const { return connection_.open(); }

 private:
  Connection connection_;
};

class Doors : public testing::Test {
 protected:
  void SetUp() override {
    world.join();
    world.pass(seconds(1));
  }

  [[nodiscard]] bool is_thrown_out(Intruder& intruder) {
    return world.run_until([&] {
      static_cast<void>(intruder.hear());
      return !intruder.open();
    });
  }
  void expect_all_well() {
    world.pass(seconds(20));
    EXPECT_TRUE(world.verdicts.empty());
  }
  [[nodiscard]] const TcpAddress& door(std::size_t rank) const { return world.roster.ranks[rank].address; }

  WatchedWorld world{{"n0", "n0", "n1"}};
};

TEST_F(Doors, AreClosedToAWrongToken) {
  for (const std::size_t rank : {0, 1}) {
    Intruder intruder(door(rank));
    intruder.say(hello("0123456789abcdee", 2, Nature::kTell));
    Verdict lie;
    lie.ranks = {0};
    lie.text = "all is lost";
    intruder.say(verdict_message(lie));
    EXPECT_TRUE(is_thrown_out(intruder));
  }
  expect_all_well();
}

TEST_F(Doors, AreClosedToGarbage) {
  for (const std::size_t rank : {0, 2}) {
    Intruder intruder(door(rank));
    intruder.say_bytes("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_TRUE(is_thrown_out(intruder));
  }
  expect_all_well();
}

TEST_F(Doors, AreClosedToImpossibleRanks) {
  for (const int rank : {-1, 3, 1'000'000}) {
    Intruder intruder(door(0));
    intruder.say(hello(world.roster.token, rank, Nature::kJoin));
    EXPECT_TRUE(is_thrown_out(intruder));
  }
  expect_all_well();
}

TEST_F(Doors, DoNotStayOpenForTheSilent) {
  Intruder intruder(door(0));
  EXPECT_TRUE(is_thrown_out(intruder));
  expect_all_well();
}

TEST_F(Doors, ManySilentOnesKeepNobodyOut) {
  std::vector<std::unique_ptr<Intruder>> crowd;
  for (int i = 0; i < 200; ++i) crowd.push_back(std::make_unique<Intruder>(door(1)));
  world.kill(0);
  ASSERT_TRUE(world.run_until([&] { return world.knows(1) && world.knows(2); }));
  EXPECT_THAT(world.speakers(), testing::ElementsAre(1U));
}

TEST_F(Doors, LateJoinersChangeNothing) {
  Intruder intruder(door(0));
  intruder.say(hello(world.roster.token, 1, Nature::kJoin));
  world.pass(seconds(1));
  expect_all_well();
  world.kill(1);
  EXPECT_TRUE(world.run_until([&] { return world.knows(0); }));
}

// A rank whose first connection broke off before all were there comes again.
TEST(Joining, SurvivesABrokenFirstTry) {
  WatchedWorld world({"n0", "n0", "n1"});
  {
    Intruder first(world.roster.ranks[0].address);
    first.say(hello(world.roster.token, 2, Nature::kJoin));
    for (int i = 0; i < 100 && first.hear().empty(); ++i)
      static_cast<void>(world.at(0).turn(milliseconds(1), -1));
  }
  EXPECT_FALSE(world.at(0).joined());
  world.join();
  world.pass(seconds(30));
  EXPECT_TRUE(world.verdicts.empty());
}

TEST(Joining, SaysWhoIsMissing) {
  WatchedWorld world({"n0", "n0", "n1"});
  world.freeze(2);
  world.pass(seconds(10));
  EXPECT_FALSE(world.at(0).joined());
  EXPECT_EQ(world.at(0).missing().what, "no connection to here from rank 2 on n1");
  EXPECT_THAT(world.at(2).missing().what, testing::HasSubstr("rank 0 on n0 at 127.0.0.1:"));
  EXPECT_TRUE(world.verdicts.empty());
}

TEST(Joining, IsTriedAgainUntilRank0Listens) {
  WatchedWorld world({"n0", "n1"});
  world.freeze(0);
  world.pass(seconds(3));
  EXPECT_FALSE(world.at(1).joined());
  world.thaw(0);
  world.join();
}

}  // namespace
}  // namespace ft
