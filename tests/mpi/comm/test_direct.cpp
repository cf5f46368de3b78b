// Sums by direct exchange on real ranks: to the bit what adding in the order of the ranks gives.
#include <algorithm>
#include <bit>
#include <cmath>
#include <random>
#include <span>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ft/base/error.h"
#include "ft/base/hash.h"
#include "ft/comm/bfloat16.h"

#include "mpi_communicator.h"

namespace ft {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Segments of 16 float32 and four pairs of tags: what large messages and long runs do, in small.
const MpiLengths kTiny{.direct = {.network = {.segment_bytes = 64, .window = 3, .slots = 3},
                                  .local = {.segment_bytes = 64, .window = 5, .slots = 2},
                                  .exchange_bytes = 0,
                                  .tag_pairs = 4}};

template <typename T>
std::vector<T> contribution(int rank, std::size_t count, unsigned salt = 0) {
  std::mt19937_64 engine(static_cast<std::uint64_t>(rank) * 1'000 + salt);
  std::vector<T> values(count);
  for (auto& value : values) {
    if constexpr (std::is_integral_v<T>) {
      value = static_cast<T>(engine()) / 16;
    } else {
      value = static_cast<T>(std::normal_distribution<double>()(engine));
    }
  }
  return values;
}

class Direct : public testing::Test {
 protected:
  [[nodiscard]] int size() const { return world.world_size(); }
  template <typename T>
  [[nodiscard]] std::vector<T> mine(std::size_t count, unsigned salt = 0) const {
    return contribution<T>(world.rank(), count, salt);
  }
  template <typename T>
  [[nodiscard]] std::vector<T> expected(std::size_t count, unsigned salt = 0) const {
    std::vector<T> sum = contribution<T>(0, count, salt);
    for (int r = 1; r < size(); ++r) {
      const auto theirs = contribution<T>(r, count, salt);
      for (std::size_t i = 0; i < count; ++i) sum[i] += theirs[i];
    }
    return sum;
  }
  template <typename T>
  std::unique_ptr<Work> start(MpiCommunicator& ranks, std::vector<T>& values, ElementKind kind,
                              Wire wire = Wire::kAsIs) {
    return ranks.start_all_reduce(values.data(), values.size(), kind, ReduceOp::kSum, wire);
  }
  template <typename T>
  void check_sizes(MpiCommunicator& ranks, ElementKind kind, const std::vector<std::size_t>& sizes) {
    for (const std::size_t count : sizes) {
      auto values = mine<T>(count);
      start(ranks, values, kind)->wait(deadline_after(seconds(20)), "a sum");
      EXPECT_EQ(values, expected<T>(count)) << count;
    }
  }

  // Around the number of ranks, around a segment, several windows.
  const std::vector<std::size_t> counts{0, 1, 2, 3, 4, 5, 15, 16, 17, 64, 65, 1'000, 4'099};
  MpiCommunicator world;
};

TEST_F(Direct, TinySegmentsOfEveryKind) {
  MpiCommunicator tiny(kTiny);
  check_sizes<float>(tiny, ElementKind::kFloat32, counts);
  check_sizes<double>(tiny, ElementKind::kFloat64, counts);
  check_sizes<std::int64_t>(tiny, ElementKind::kInt64, counts);
}

TEST_F(Direct, RealSegmentsOfEveryKind) {
  const std::vector<std::size_t> large{4'096, 100'003, 1'000'001};
  check_sizes<float>(world, ElementKind::kFloat32, large);
  check_sizes<double>(world, ElementKind::kFloat64, large);
  check_sizes<std::int64_t>(world, ElementKind::kInt64, large);
}

TEST_F(Direct, SmallOnesOfEveryKind) {
  check_sizes<float>(world, ElementKind::kFloat32, counts);
  check_sizes<double>(world, ElementKind::kFloat64, counts);
  check_sizes<std::int64_t>(world, ElementKind::kInt64, counts);
}

// A gradient may lie in one bucket or in several, small or large.
TEST_F(Direct, TheCutIntoSumsChangesNoBit) {
  MpiLengths two_hosts;
  two_hosts.host = world.rank() % 2 == 0 ? "even" : "odd";
  MpiCommunicator in_two_levels(two_hosts);
  for (MpiCommunicator* ranks : {&world, &in_two_levels}) {
    for (const Wire wire : {Wire::kAsIs, Wire::kBFloat16}) {
      auto whole = mine<float>(200'000);
      start(*ranks, whole, ElementKind::kFloat32, wire)->wait(deadline_after(seconds(20)), "a sum");
      for (const std::size_t piece : {333, 1'024, 3'000, 50'000}) {
        auto cut = mine<float>(whole.size());
        for (std::size_t begin = 0; begin < cut.size(); begin += piece) {
          ranks
              ->start_all_reduce(cut.data() + begin, std::min(piece, cut.size() - begin),
                                 ElementKind::kFloat32, ReduceOp::kSum, wire)
              ->wait(deadline_after(seconds(20)), "a piece");
        }
        ASSERT_EQ(cut, whole) << piece;
      }
    }
  }
}

TEST_F(Direct, SeveralOfDifferentSizesEndInAnyOrder) {
  MpiCommunicator tiny(kTiny);
  // More than there are pairs of tags, so that one has to wait for the first.
  const std::vector<std::size_t> sizes{3'000, 1, 700, 0, 2'000, 17, 5'000};
  std::vector<std::vector<float>> values;
  std::vector<std::unique_ptr<Work>> works;
  for (unsigned i = 0; i < sizes.size(); ++i) values.push_back(mine<float>(sizes[i], i));
  works.reserve(values.size());
  for (auto& each : values) works.push_back(start(tiny, each, ElementKind::kFloat32));
  // Each rank waits in an order of its own.
  std::vector<std::size_t> order(sizes.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::shuffle(order.begin(), order.end(), std::mt19937(static_cast<unsigned>(world.rank())));
  for (const std::size_t i : order) works[i]->wait(deadline_after(seconds(20)), "one of several");
  for (unsigned i = 0; i < sizes.size(); ++i) EXPECT_EQ(values[i], expected<float>(sizes[i], i)) << i;
}

TEST_F(Direct, TagsAreUsedAgain) {
  MpiCommunicator tiny(kTiny);
  for (unsigned round = 0; round < 25; ++round) {
    auto values = mine<float>(100 + round, round);
    start(tiny, values, ElementKind::kFloat32)->wait(deadline_after(seconds(20)), "a round");
    ASSERT_EQ(values, expected<float>(100 + round, round));
  }
}

TEST_F(Direct, OtherCollectivesMayComeBetween) {
  auto values = mine<float>(1'000'000);
  const auto work = start(world, values, ElementKind::kFloat32);
  double ones[1] = {1};
  world.all_reduce_host(ones, ReduceOp::kSum, "counting");
  EXPECT_EQ(ones[0], size());
  std::vector<float> extremes(100'000, static_cast<float>(world.rank()));
  world.start_all_reduce(extremes.data(), extremes.size(), ElementKind::kFloat32, ReduceOp::kMax)
      ->wait(deadline_after(seconds(20)), "a maximum");
  EXPECT_TRUE(std::ranges::all_of(extremes, [&](float v) { return v == static_cast<float>(size() - 1); }));
  if (const int peer = world.rank() ^ 1; peer < size()) {
    std::vector<std::byte> own(100'000, std::byte{static_cast<unsigned char>(world.rank())}),
        theirs(own.size());
    world.exchange(own, theirs, peer, "a swap");
    EXPECT_EQ(theirs, std::vector<std::byte>(own.size(), std::byte{static_cast<unsigned char>(peer)}));
  }
  work->wait(deadline_after(seconds(20)), "the sum");
  EXPECT_EQ(values, expected<float>(values.size()));
}

// Rank 0 waits for the others, which wait for their sum first, which needs rank 0.
TEST_F(Direct, AWaitForAnythingElseMovesSumsOn) {
  auto values = mine<float>(1'000'000);
  const auto work = start(world, values, ElementKind::kFloat32);
  if (world.rank() != 0) work->wait(deadline_after(seconds(20)), "the sum");
  world.barrier("having it");
  work->wait(deadline_after(seconds(20)), "the sum");
  EXPECT_EQ(values, expected<float>(values.size()));
}

TEST_F(Direct, RanksThatAreLateChangeNothing) {
  auto values = mine<float>(200'000);
  std::this_thread::sleep_for(milliseconds(20 * world.rank()));
  start(world, values, ElementKind::kFloat32)->wait(deadline_after(seconds(20)), "a late sum");
  EXPECT_EQ(values, expected<float>(values.size()));
}

// As if every second rank were on another host.
TEST_F(Direct, InTwoLevelsHostsAddUpFirst) {
  if (size() != 4) GTEST_SKIP() << "two hosts of two ranks take four";
  MpiLengths lengths = kTiny;
  lengths.host = world.rank() % 2 == 0 ? "even" : "odd";
  lengths.direct.slice_bytes = 1'000;  // several operations for the longer ones
  lengths.direct.tag_pairs = 40;
  MpiCommunicator ranks(lengths);
  for (const std::size_t count : counts) {
    auto values = mine<float>(count);
    start(ranks, values, ElementKind::kFloat32)->wait(deadline_after(seconds(20)), "a sum in two levels");
    const auto a = contribution<float>(0, count), b = contribution<float>(1, count);
    const auto c = contribution<float>(2, count), d = contribution<float>(3, count);
    for (std::size_t i = 0; i < count; ++i) {
      ASSERT_EQ(values[i], (a[i] + c[i]) + (b[i] + d[i])) << i << " of " << count;
    }
  }
  check_sizes<std::int64_t>(ranks, ElementKind::kInt64, counts);
}

TEST_F(Direct, CountsWhatItSends) {
  const std::size_t count = 65'536 * static_cast<std::size_t>(size());
  for (const Wire wire : {Wire::kAsIs, Wire::kBFloat16}) {
    auto values = mine<float>(count);
    const auto work = start(world, values, ElementKind::kFloat32, wire);
    work->wait(deadline_after(seconds(20)), "a sum");
    const auto should_be = all_reduce_bytes_sent(count, ElementKind::kFloat32, wire, size());
    EXPECT_EQ(work->bytes_sent().value_or(should_be), should_be);
    EXPECT_EQ(work->bytes_sent().has_value(), size() > 1) << "or nothing travels";
  }
}

TEST_F(Direct, InTwoLevelsOnlyWhatCrossesHostsIsSentAsBFloat16) {
  if (size() != 4) GTEST_SKIP() << "two hosts of two ranks take four";
  MpiLengths lengths;
  lengths.host = world.rank() % 2 == 0 ? "even" : "odd";
  MpiCommunicator ranks(lengths);
  constexpr std::size_t kCount = 1U << 18U;
  // Half of the data goes to the neighbour and another half comes back, summed; a half is summed across.
  for (const auto& [wire, bytes] :
       {std::pair{Wire::kAsIs, kCount * (4 + 2)}, {Wire::kBFloat16, kCount * (4 + 1)}}) {
    auto values = mine<float>(kCount);
    const auto work = start(ranks, values, ElementKind::kFloat32, wire);
    work->wait(deadline_after(seconds(20)), "a sum in two levels");
    EXPECT_EQ(work->bytes_sent().value_or(0), bytes);
    const auto hash = to_hex(xxh3_64(std::as_bytes(std::span(values))));
    EXPECT_THAT(ranks.all_gather(hash, "comparing sums"), testing::Each(hash));
  }
}

// float32 in, float32 out; every contribution rounded once, added in float32 in order, the sum rounded once.
TEST_F(Direct, BFloat16OnTheWireRoundsTwice) {
  MpiCommunicator tiny(kTiny);
  for (MpiCommunicator* ranks : {&tiny, &world}) {
    for (const std::size_t count : {0, 1, 3, 1'000, 70'001}) {
      auto values = mine<float>(count);
      start(*ranks, values, ElementKind::kFloat32, Wire::kBFloat16)
          ->wait(deadline_after(seconds(20)), "a rounded sum");
      if (size() == 1) {
        EXPECT_EQ(values, mine<float>(count)) << "nothing travels, nothing is rounded";
        continue;
      }
      std::vector<float> sum(count);
      for (int r = 0; r < size(); ++r) {
        const auto theirs = contribution<float>(r, count);
        for (std::size_t i = 0; i < count; ++i) {
          const float term = bfloat16_to_float(float_to_bfloat16(theirs[i]));
          sum[i] = r == 0 ? term : sum[i] + term;
        }
      }
      for (std::size_t i = 0; i < count; ++i) {
        ASSERT_EQ(std::bit_cast<std::uint32_t>(values[i]),
                  std::bit_cast<std::uint32_t>(bfloat16_to_float(float_to_bfloat16(sum[i]))))
            << i << " of " << count;
      }
    }
  }
}

TEST_F(Direct, NotANumberReachesEveryRank) {
  for (const Wire wire : {Wire::kAsIs, Wire::kBFloat16}) {
    std::vector<float> values(50'000, 1.0F);
    if (world.rank() == size() - 1) values[33'333] = NAN;
    start(world, values, ElementKind::kFloat32, wire)->wait(deadline_after(seconds(20)), "a sum");
    EXPECT_TRUE(std::isnan(values[33'333]));
    EXPECT_EQ(values[33'332], static_cast<float>(size()));
  }
}

TEST_F(Direct, OnlySumsOfFloat32TravelRounded) {
  std::vector<double> values(4);
  EXPECT_THROW(static_cast<void>(start(world, values, ElementKind::kFloat64, Wire::kBFloat16)), Error);
  EXPECT_THROW(static_cast<void>(world.start_all_reduce(values.data(), 4, ElementKind::kFloat32,
                                                        ReduceOp::kMax, Wire::kBFloat16)),
               Error);
}

TEST_F(Direct, ADroppedWorkIsFinishedFirst) {
  auto values = mine<float>(300'000);
  { const auto work = start(world, values, ElementKind::kFloat32); }
  EXPECT_EQ(values, expected<float>(values.size()));
}

TEST_F(Direct, AWorkMayOutliveItsCommunicator) {
  auto short_lived = std::make_unique<MpiCommunicator>(kTiny);
  auto values = mine<float>(20'000);
  auto work = start(*short_lived, values, ElementKind::kFloat32);
  short_lived.reset();
  // Its messages are not to be mistaken for those of the next one, which has the same tags.
  MpiCommunicator next(kTiny);
  auto others = mine<float>(20'000, 1);
  start(next, others, ElementKind::kFloat32)->wait(deadline_after(seconds(20)), "another sum");
  EXPECT_EQ(others, expected<float>(others.size(), 1));
  work->wait(deadline_after(seconds(20)), "the sum");
  EXPECT_EQ(values, expected<float>(values.size()));
}

TEST_F(Direct, ARankThatStaysAwayTimesOutAndNothingWaitsAgain) {
  if (size() == 1) GTEST_SKIP() << "nobody to wait for";
  const auto broken = std::make_unique<MpiCommunicator>();
  auto values = mine<float>(100'000);
  if (world.rank() == 0) {
    const auto work = start(*broken, values, ElementKind::kFloat32);
    try {
      work->wait(deadline_after(milliseconds(100)), "averaging bucket 0 of step 7");
      ADD_FAILURE() << "finished without the others";
    } catch (const PeerError& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr("averaging bucket 0 of step 7"));
    }
    EXPECT_THROW(broken->barrier("the next operation"), PeerError);
    EXPECT_THROW(static_cast<void>(start(*broken, values, ElementKind::kFloat32)), PeerError);
    // The others' halves end it, so that MPI_Finalize finds nothing open.
    world.barrier("letting the others come");
    while (!work->test()) std::this_thread::sleep_for(milliseconds(1));
  } else {
    world.barrier("letting rank 0 give up");
    start(*broken, values, ElementKind::kFloat32)->wait(deadline_after(seconds(10)), "the late half");
  }
  EXPECT_EQ(values, expected<float>(values.size()));
}

}  // namespace
}  // namespace ft
