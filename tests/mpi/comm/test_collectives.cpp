#include <numeric>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ft/base/error.h"
#include "ft/comm/agreement.h"
#include "ft/comm/topology.h"

#include "mpi_communicator.h"

namespace ft {
namespace {

using testing::HasSubstr;

// Collectives run twice: in one message, and cut into pieces of a few bytes as messages over 1 GiB are.
class Collectives : public testing::TestWithParam<std::size_t> {
 protected:
  [[nodiscard]] int rank() const { return world.rank(); }
  [[nodiscard]] int size() const { return world.world_size(); }
  // What rank r contributes to a gather: empty on rank 0, longer and longer after it.
  static std::string contribution(int r) {
    return std::string(static_cast<std::size_t>(r) * 7, static_cast<char>('a' + r));
  }

  MpiCommunicator world{{.longest_message = GetParam()}};
};

INSTANTIATE_TEST_SUITE_P(MessageLengths, Collectives,
                         testing::Values(MpiLengths().longest_message, std::size_t{24}),
                         [](const auto& instance) { return instance.param > 1'000 ? "Whole" : "InPieces"; });

TEST_P(Collectives, BroadcastFromEachRoot) {
  for (int root = 0; root < size(); ++root) {
    std::string text(100, static_cast<char>('A' + rank()));
    world.broadcast(std::as_writable_bytes(std::span(text)), root, "a broadcast");
    EXPECT_EQ(text, std::string(100, static_cast<char>('A' + root)));
  }
}

TEST_P(Collectives, BroadcastOfNothing) {
  EXPECT_NO_THROW(world.broadcast({}, 0, "nothing"));
}

TEST_P(Collectives, RootsOutsideTheWorldAreBugs) {
  EXPECT_THROW(world.broadcast({}, size(), "a broadcast"), Error);
  EXPECT_THROW(static_cast<void>(world.gather("x", -1, "a gather")), Error);
}

TEST_P(Collectives, AllGatherKeepsLengths) {
  const auto all = world.all_gather(contribution(rank()), "an all-gather");
  ASSERT_EQ(all.size(), static_cast<std::size_t>(size()));
  for (int r = 0; r < size(); ++r) EXPECT_EQ(all[static_cast<std::size_t>(r)], contribution(r));
}

TEST_P(Collectives, AllGatherOfNothing) {
  EXPECT_THAT(world.all_gather("", "an all-gather"), testing::Each(""));
}

TEST_P(Collectives, GatherReachesTheRootOnly) {
  for (int root = 0; root < size(); ++root) {
    const auto all = world.gather(contribution(rank()), root, "a gather");
    if (rank() != root) {
      EXPECT_TRUE(all.empty());
      continue;
    }
    ASSERT_EQ(all.size(), static_cast<std::size_t>(size()));
    for (int r = 0; r < size(); ++r) EXPECT_EQ(all[static_cast<std::size_t>(r)], contribution(r));
  }
}

TEST_P(Collectives, AllReduceHostKnowsEveryOperation) {
  const double mine = rank() + 1;
  const double n = size();
  for (const auto& [op, expected] :
       {std::pair{ReduceOp::kSum, n * (n + 1) / 2}, {ReduceOp::kMin, 1.0}, {ReduceOp::kMax, n}}) {
    std::array<double, 2> values{mine, mine};
    world.all_reduce_host(values, op, "a reduction");
    EXPECT_THAT(values, testing::Each(expected));
  }
}

TEST_P(Collectives, ABarrierHoldsUntilAllHaveCome) {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::milliseconds kLate{100};
  world.barrier("lining up");
  const auto start = Clock::now();
  if (rank() == size() - 1) std::this_thread::sleep_for(kLate);
  world.barrier("waiting for the last rank");
  EXPECT_GE(Clock::now() - start, kLate - std::chrono::milliseconds(20));
}

TEST_P(Collectives, OperationsMayFollowEachOtherClosely) {
  for (int i = 0; i < 200; ++i) {
    double value = i;
    world.all_reduce_host({&value, 1}, ReduceOp::kSum, "a reduction");
    ASSERT_EQ(value, static_cast<double>(i) * size());
  }
}

TEST_P(Collectives, AgreementReachesEveryRank) {
  const int failing = size() - 1;
  try {
    agree(world, "opening data", [&] {
      if (rank() == failing) throw DataError("no such file: a.h5", "pack it");
    });
    FAIL() << "agreed that all went well";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kData);
    EXPECT_THAT(error.what(), HasSubstr("no such file: a.h5"));
    EXPECT_EQ(error.hint(), "pack it");
    const auto culprit = "rank " + std::to_string(failing) + " (";
    EXPECT_THAT(error.what(), HasSubstr(size() > 1 ? culprit : ""));
  }
  EXPECT_NO_THROW(agree(world, "going on", [] {}));
}

TEST_P(Collectives, TopologyIsTheSameEverywhere) {
  const auto places = gather_topology(world, "cpu");
  ASSERT_EQ(places.size(), static_cast<std::size_t>(size()));
  for (int r = 0; r < size(); ++r) {
    const auto& place = places[static_cast<std::size_t>(r)];
    EXPECT_EQ(place.rank, r);
    EXPECT_EQ(place.local_rank, r) << "all ranks are on this machine";
    EXPECT_EQ(place.local_size, size());
    EXPECT_GE(place.core_budget, 1);
    EXPECT_EQ(place.device, "cpu");
  }
}

}  // namespace
}  // namespace ft
