#include <gtest/gtest.h>

#include "ft/base/error.h"
#include "ft/comm/backends.h"
#include "ft/comm/clock_offsets.h"
#include "ft/comm/link_probe.h"

#include "mpi_communicator.h"
#include "mpi_world.h"

namespace ft {
namespace {

std::unique_ptr<Communicator> make_world() {
  return make_host_communicator(testing_support::CurrentSession::get());
}

// Every second rank on a host of its own name, so that links between hosts and within one are probed.
std::vector<RankPlace> places_of(int world_size) {
  std::vector<RankPlace> places;
  for (int rank = 0; rank < world_size; ++rank) {
    RankPlace place;
    place.rank = rank;
    place.host = rank % 2 == 0 ? "even" : "odd";
    places.push_back(place);
  }
  return places;
}

TEST(Exchange, SwapsBytesOfAnyLength) {
  const auto& session = testing_support::CurrentSession::get();
  if (!session.active()) GTEST_SKIP() << "started without a launcher, so without MPI";
  MpiCommunicator world({.longest_message = 7});  // bytes a message, so that these are cut
  const int peer = world.rank() ^ 1;
  if (peer < world.world_size()) {
    for (const std::size_t size : {0U, 1U, 7U, 8U, 50U}) {
      const std::vector<std::byte> mine(size, std::byte(world.rank() + 1));
      std::vector<std::byte> theirs(size);
      world.exchange(mine, theirs, peer, "the test");
      EXPECT_EQ(theirs, std::vector<std::byte>(size, std::byte(peer + 1)));
    }
  }
  world.barrier("the end of the test");
}

TEST(Exchange, RefusesItselfRanksThatAreNotThereAndUnequalSpans) {
  const auto world = make_world();
  std::vector<std::byte> two(2), three(3);
  EXPECT_THROW(world->exchange(two, two, world->rank(), "the test"), Error);
  EXPECT_THROW(world->exchange(two, two, world->world_size(), "the test"), Error);
  if (world->world_size() > 1) {
    EXPECT_THROW(world->exchange(two, three, (world->rank() + 1) % world->world_size(), "the test"), Error);
  }
}

TEST(LinkProbe, MeasuresEachLinkOnceAndOnlyRankZeroHears) {
  const auto world = make_world();
  const int n = world->world_size();
  const auto links = probe_links(*world, places_of(n), Seconds(0.05));
  const int hosts = std::min(n, 2);
  const int even = (n + 1) / 2, odd = n / 2;
  const int expected = hosts * (hosts - 1) / 2 + even * (even - 1) / 2 + odd * (odd - 1) / 2;
  EXPECT_EQ(links.size(), static_cast<std::size_t>(world->rank() == 0 ? expected : 0));
  for (std::size_t i = 0; i < links.size(); ++i) {
    EXPECT_LT(links[i].a, links[i].b);
    EXPECT_GT(links[i].latency_s, 0);
    EXPECT_GT(links[i].bytes_per_s, 0);
    if (i > 0) {
      EXPECT_LE(links[i - 1].bytes_per_s, links[i].bytes_per_s);
    }
  }
}

TEST(LinkProbe, TimesAllReducesAndAllRanksHearTheSame) {
  const auto world = make_world();
  std::vector<float> zeros(1000);
  const AllReduceSpeed speed = probe_all_reduce(*world, zeros.data(), zeros.size(), Seconds(0.02));
  double figures[2] = {speed.latency_s, -speed.latency_s};
  world->all_reduce_host(figures, ReduceOp::kMax, "the test");
  EXPECT_EQ(figures[0], -figures[1]);  // the largest is the smallest
  EXPECT_EQ(speed.bytes, world->world_size() > 1 ? 4000U : 0U);
  EXPECT_EQ(speed.seconds > 0, world->world_size() > 1);
  EXPECT_EQ(zeros, std::vector<float>(1000));
}

TEST(ClockOffsets, HoldTheTrueOffsetOfEachRank) {
  const auto world = make_world();
  // Rank r's clock is 100 r seconds ahead.
  const std::int64_t ahead = std::int64_t{100'000'000'000} * world->rank();
  const auto offsets = compare_clocks(*world, 3, [ahead] { return system_nanoseconds() + ahead; });
  ASSERT_EQ(offsets.size(), static_cast<std::size_t>(world->rank() == 0 ? world->world_size() : 0));
  for (std::size_t r = 0; r < offsets.size(); ++r) {
    EXPECT_LE(offsets[r].least_s, 100.0 * static_cast<double>(r));
    EXPECT_GE(offsets[r].most_s, 100.0 * static_cast<double>(r));
    EXPECT_NEAR(offsets[r].certain_s(), 100.0 * static_cast<double>(r), 10);  // a busy machine is late
  }
}

}  // namespace
}  // namespace ft
