// The state machine on its own: several ranks in one process.
#include <gtest/gtest.h>

#include "ft/comm/bfloat16.h"

#include "exchange_reduction.h"
#include "reduction_network.h"

namespace ft {
namespace {

TEST(DirectPlan, CoversEveryElementOnce) {
  for (const std::size_t count : {0, 1, 2, 15, 16, 17, 100, 1'000, 4'096}) {
    for (const int world : {1, 2, 3, 4, 7}) {
      const DirectPlan plan(count, world, 48);
      std::size_t next = 0;
      for (int owner = 0; owner < world; ++owner) {
        for (std::size_t s = 0; s < plan.segments(owner); ++s) {
          const DataPiece piece = plan.segment(owner, s);
          EXPECT_EQ(piece.begin, next) << count << " elements on " << world;
          EXPECT_GE(piece.count, 1U);
          EXPECT_LE(piece.count, 48U);
          next += piece.count;
        }
      }
      EXPECT_EQ(next, count) << world;
    }
  }
}

TEST(ScratchPool, KeepsWhatWasGivenBack) {
  ScratchPool pool;
  ScratchBuffer large = pool.take(1'000);
  ScratchBuffer small = pool.take(10);
  const auto* large_place = large.bytes.get();
  const auto* small_place = small.bytes.get();
  pool.give_back(std::move(large));
  pool.give_back(std::move(small));
  EXPECT_EQ(pool.take(5).bytes.get(), small_place) << "the smallest that suffices";
  EXPECT_EQ(pool.take(5).bytes.get(), large_place);
  EXPECT_EQ(pool.take(0).bytes.get(), nullptr);
}

struct Way {
  Wire wire;
  MessageFlow flow;
  std::size_t exchange_bytes;
};

float travelled(float value, Wire wire) {
  return wire == Wire::kBFloat16 ? bfloat16_to_float(float_to_bfloat16(value)) : value;
}

// What adding in the order of the ranks gives.
std::vector<float> expected_sum(std::size_t count, int world, Wire wire) {
  std::vector<float> sum(count, -0.0F);  // the neutral element of addition
  for (int r = 0; r < world; ++r) {
    const std::vector<float> term = contribution(r, count);
    for (std::size_t i = 0; i < count; ++i) sum[i] += travelled(term[i], wire);
  }
  for (float& value : sum) value = travelled(value, wire);
  return sum;
}

void check(std::size_t count, int world, const Way& way, unsigned seed) {
  Network network(seed);
  ScratchPool pool;
  std::vector<std::vector<float>> data;
  data.reserve(static_cast<std::size_t>(world));
  for (int r = 0; r < world; ++r) data.push_back(contribution(r, count));
  std::vector<std::unique_ptr<Reduction>> ranks;
  ranks.reserve(data.size());
  for (int r = 0; r < world; ++r) {
    ranks.push_back(make_flat_reduction(
        ReductionTask{.data = std::as_writable_bytes(std::span(data[static_cast<std::size_t>(r)])).data(),
                      .count = count,
                      .wire = way.wire,
                      .rank = r,
                      .world_size = world,
                      .flow = way.flow,
                      .exchange_bytes = way.exchange_bytes},
        pool));
  }
  run_all(network, ranks);
  const std::vector<float> expected = expected_sum(count, world, way.wire);
  for (int r = 0; r < world; ++r) {
    EXPECT_EQ(data[static_cast<std::size_t>(r)], expected)
        << count << " elements, rank " << r << " of " << world << ", window " << way.flow.window << ", slots "
        << way.flow.slots << ", seed " << seed;
    ranks[static_cast<std::size_t>(r)]->release(pool);
  }
}

void check_ways(const std::vector<Way>& ways) {
  for (const std::size_t count : {0, 1, 3, 16, 33, 500, 777}) {
    for (const int world : {1, 2, 3, 5}) {
      if (world == 1 && ways.front().wire == Wire::kBFloat16) continue;  // nothing travels
      for (const Way& way : ways) {
        for (unsigned seed = 0; seed < 5; ++seed) check(count, world, way, seed);
      }
    }
  }
}

std::vector<Way> ways_in_segments(Wire wire) {
  std::vector<Way> ways;
  for (const auto& [window, slots] : std::vector<std::pair<std::size_t, std::size_t>>{
           {1, 1}, {2, 2}, {100, 100}, {100, 1}, {1, 100}, {3, 2}}) {
    ways.push_back({wire, {.segment_bytes = 64, .window = window, .slots = slots}, 0});
  }
  return ways;
}

TEST(DirectReduction, AddsInTheOrderOfTheRanksWhateverComesFirst) {
  check_ways(ways_in_segments(Wire::kAsIs));
}

TEST(DirectReduction, RoundsToBFloat16Twice) {
  check_ways(ways_in_segments(Wire::kBFloat16));
}

TEST(ExchangeReduction, GivesTheSameSums) {
  for (const Wire wire : {Wire::kAsIs, Wire::kBFloat16}) {
    check_ways({{.wire = wire, .flow = {.segment_bytes = 64}, .exchange_bytes = 1'000}});
  }
}

TEST(ExchangeReduction, IsForWhatIsShort) {
  ScratchPool pool;
  ReductionTask task{.count = 25, .world_size = 3, .flow = {.segment_bytes = 64}, .exchange_bytes = 100};
  const auto exchanges = [&] {
    return dynamic_cast<ExchangeReduction*>(make_flat_reduction(task, pool).get()) != nullptr;
  };
  EXPECT_TRUE(exchanges());
  task.count = 26;
  EXPECT_FALSE(exchanges());
  task.wire = Wire::kBFloat16;
  EXPECT_TRUE(exchanges());
}

TEST(ExchangeReduction, IsForFewRanks) {
  ScratchPool pool;
  ReductionTask task{.count = 25, .flow = {.segment_bytes = 64}, .exchange_bytes = 100};
  for (const auto& [ranks, exchanges] : {std::pair{2, true}, {16, true}, {17, false}, {1'000, false}}) {
    task.world_size = ranks;
    for (const int rank : {0, ranks - 1}) {
      task.rank = rank;
      const auto reduction = make_flat_reduction(task, pool);
      EXPECT_EQ(dynamic_cast<ExchangeReduction*>(reduction.get()) != nullptr, exchanges) << ranks;
    }
  }
}

// Not a whole segment for each peer.
TEST(DirectReduction, TakesNoMoreScratchThanItsChunkNeeds) {
  ScratchPool pool;
  const ReductionTask task{
      .count = 64, .world_size = 4, .flow = {.segment_bytes = std::size_t{1} << 20U, .slots = 3}};
  DirectReduction(task, pool).release(pool);
  EXPECT_EQ(pool.take(1).size, 3 * 16 * sizeof(float));
}

}  // namespace
}  // namespace ft
