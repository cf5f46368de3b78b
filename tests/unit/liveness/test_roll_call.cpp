// Who counts as gone, and who merely cannot be asked.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "inquiry.h"
#include "roll_call.h"
#include "watched_world.h"

namespace ft {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing_support::FileLimit;
using testing_support::kLoopback;
using testing_support::WatchedWorld;

// A port that refuses until it is opened, and that nobody else can get meanwhile.
class Door {
 public:
  Door() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in own{};
    own.sin_family = AF_INET;
    own.sin_addr.s_addr = htonl(kLoopback);
    socklen_t length = sizeof(own);
    EXPECT_EQ(::bind(socket_.descriptor(), reinterpret_cast<sockaddr*>(&own), length), 0);
    EXPECT_EQ(::getsockname(socket_.descriptor(), reinterpret_cast<sockaddr*>(&own), &length), 0);
    address = {kLoopback, ntohs(own.sin_port)};
  }
  void open() const { EXPECT_EQ(::listen(socket_.descriptor(), 1024), 0); }

  TcpAddress address;

 private:
  Socket socket_;
};

// Rank 0's side; what it sends over loopback is there at once.
class Calls {
 public:
  explicit Calls(const Roster& roster) : roll_call(roster) {
    for (std::size_t rank = 1; rank < roster.ranks.size(); ++rank) {
      missing.push_back(static_cast<int>(rank));
    }
  }
  // For so long, ten times a second.
  void pass(milliseconds duration) {
    for (milliseconds done{0}; done < duration; done += milliseconds(100)) {
      now += milliseconds(100);
      roll_call.call(missing, now);
      testing_support::wait_for_delivery();
      PollSet set;
      roll_call.add_to(set);
      set.wait(milliseconds(0));
      roll_call.hear(set);
    }
  }

  RollCall roll_call;
  std::vector<int> missing;
  RollCall::TimePoint now = Activity::Clock::now();
};

TEST(RollCall, OneRefusalIsNotEnough) {
  const Door door;
  Calls calls({{{"n0", {kLoopback, 1}}, {"n1", door.address}}, "token"});
  calls.pass(milliseconds(100));
  EXPECT_FALSE(calls.roll_call.is_gone(1));
  calls.pass(milliseconds(200));
  EXPECT_TRUE(calls.roll_call.is_gone(1)) << "two in a row are";
}

TEST(RollCall, AnOpenDoorMakesUpForARefusal) {
  const Door door;
  Calls calls({{{"n0", {kLoopback, 1}}, {"n1", door.address}}, "token"});
  calls.pass(milliseconds(300));
  ASSERT_TRUE(calls.roll_call.is_gone(1));
  door.open();
  calls.pass(milliseconds(1'200));
  EXPECT_FALSE(calls.roll_call.is_gone(1));
}

TEST(RollCall, GoesRoundAmongMany) {
  const Door shut;
  const Door ajar;
  ajar.open();
  Roster roster{{{"n0", {kLoopback, 1}}}, "token"};
  for (int rank = 1; rank < 200; ++rank)
    roster.ranks.push_back({"n1", rank < 150 ? ajar.address : shut.address});
  Calls calls(roster);
  calls.pass(seconds(2));
  for (int rank = 1; rank < 200; ++rank) EXPECT_EQ(calls.roll_call.is_gone(rank), rank >= 150) << rank;
}

TEST(Inquiry, WhoCannotBeAskedIsNotGone) {
  WatchedWorld world{{"n0", "n0", "n0", "n1"}};
  FileLimit limit(1024);
  const Socket next(::dup(STDERR_FILENO));
  limit.set(static_cast<rlim_t>(next.descriptor()));
  Inquiry inquiry(3, world.roster, world.now);
  PollSet set;
  inquiry.add_to(set);
  set.wait(milliseconds(0));
  EXPECT_FALSE(inquiry.hear(set).has_value());
  limit.set(1024);
  EXPECT_FALSE(inquiry.nobody_below(world.now, world.timing)) << "no descriptor for asking";
  EXPECT_TRUE(inquiry.nobody_below(world.now + world.timing.inquiry, world.timing)) << "silence";
}

TEST(Inquiry, EndsOnAMachineWhereEveryTurnIsALongOne) {
  WatchedWorld world{{"n0", "n0", "n1"}};
  world.join();
  world.pass(seconds(1));
  world.kill(0);
  std::optional<Verdict> verdict;
  for (int turn = 0; turn < 10 && !verdict; ++turn) {
    world.now += milliseconds(400);
    verdict = world.at(1).turn(milliseconds(0), -1);
  }
  ASSERT_TRUE(verdict.has_value());
  EXPECT_EQ(verdict->ranks, std::vector<int>{0});
}

// poll() refuses more entries than the process may have open, closed ones included.
TEST(PollSet, ClosedConnectionsTakeNoPlace) {
  const FileLimit limit(128);
  const Socket ready(::eventfd(1, EFD_CLOEXEC));
  PollSet set;
  for (int i = 0; i < 200; ++i) EXPECT_EQ(set.found(set.add(-1, POLLIN)), 0);
  const auto place = set.add(ready.descriptor(), POLLIN);
  set.wait(milliseconds(0));
  EXPECT_EQ(set.found(place), POLLIN);
}

TEST(PollSet, DoesNotSpinWhenItCannotWait) {
  const FileLimit limit(128);
  PollSet set;
  for (int i = 0; i < 200; ++i) static_cast<void>(set.add(STDERR_FILENO, 0));
  const auto before = std::chrono::steady_clock::now();
  set.wait(milliseconds(30));
  EXPECT_GE(std::chrono::steady_clock::now() - before, milliseconds(29));
}

}  // namespace
}  // namespace ft
