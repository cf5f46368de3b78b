// The state machine on its own: several ranks in one process.
#include <gtest/gtest.h>

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

void check(std::size_t count, int world, std::size_t window, unsigned seed) {
  Network network(seed);
  ScratchPool pool;
  std::vector<std::vector<float>> data;
  std::vector<float> expected = contribution(0, count);
  for (int r = 0; r < world; ++r) data.push_back(contribution(r, count));
  for (std::size_t i = 0; i < count; ++i) {
    for (int r = 1; r < world; ++r) expected[i] += data[static_cast<std::size_t>(r)][i];
  }
  std::vector<std::unique_ptr<Reduction>> ranks;
  for (int r = 0; r < world; ++r) {
    ranks.push_back(std::make_unique<DirectReduction>(
        ReductionTask{.data = std::as_writable_bytes(std::span(data[static_cast<std::size_t>(r)])).data(),
                      .count = count,
                      .rank = r,
                      .world_size = world,
                      .segment_bytes = 64,
                      .window = window},
        pool));
  }
  run_all(network, ranks);
  for (int r = 0; r < world; ++r) {
    EXPECT_EQ(data[static_cast<std::size_t>(r)], expected)
        << count << " elements, rank " << r << " of " << world << ", window " << window << ", seed " << seed;
  }
}

TEST(DirectReduction, AddsInTheOrderOfTheRanksWhateverComesFirst) {
  for (const std::size_t count : {0, 1, 3, 16, 33, 500, 777}) {
    for (const int world : {1, 2, 3, 5}) {
      for (const std::size_t window : {1, 2, 100}) {
        for (unsigned seed = 0; seed < 5; ++seed) check(count, world, window, seed);
      }
    }
  }
}

}  // namespace
}  // namespace ft
