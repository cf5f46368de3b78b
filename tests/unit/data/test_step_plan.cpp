#include <algorithm>
#include <numeric>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ft/base/error.h"
#include "ft/data/step_plan.h"

namespace ft {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::uint64_t kSeed = 42;

std::vector<std::uint64_t> all_ids(std::uint64_t n) {
  std::vector<std::uint64_t> ids(n);
  std::iota(ids.begin(), ids.end(), 0);
  return ids;
}

// The sample ids of an epoch, in order.
std::vector<std::uint64_t> ids_of_epoch(const StepPlan& plan, std::uint32_t epoch) {
  std::vector<std::uint64_t> ids;
  for (std::uint64_t i = 0; i < plan.steps_per_epoch(); ++i) {
    const auto batch = plan.batch(epoch * plan.steps_per_epoch() + i + 1);
    ids.insert(ids.end(), batch.begin(), batch.end());
  }
  return ids;
}

std::vector<std::uint64_t> sorted(std::vector<std::uint64_t> ids) {
  std::sort(ids.begin(), ids.end());
  return ids;
}

TEST(ShareOf, CutsContiguouslyWithTheLargerPartsFirst) {
  for (const std::uint64_t n : {0, 1, 5, 7, 8, 127, 128}) {
    for (std::uint32_t parts = 1; parts <= 8; ++parts) {
      std::uint64_t next = 0;
      for (std::uint32_t part = 0; part < parts; ++part) {
        const Share share = share_of(n, part, parts);
        EXPECT_EQ(share.first, next);
        EXPECT_EQ(share.count, n / parts + (part < n % parts ? 1 : 0));
        next += share.count;
      }
      EXPECT_EQ(next, n);
    }
  }
}

TEST(StepPlan, EachEpochHasEachSampleOnceInAnOrderOfItsOwn) {
  const StepPlan plan(103, {}, 10, kSeed);
  EXPECT_EQ(plan.steps_per_epoch(), 11U);
  std::set<std::vector<std::uint64_t>> orders;
  for (std::uint32_t epoch = 0; epoch < 4; ++epoch) {
    const auto ids = ids_of_epoch(plan, epoch);
    EXPECT_EQ(sorted(ids), all_ids(103));
    orders.insert(ids);
  }
  EXPECT_EQ(orders.size(), 4U);
  EXPECT_NE(ids_of_epoch(StepPlan(103, {}, 10, kSeed + 1), 0), ids_of_epoch(plan, 0));
}

TEST(StepPlan, TheOrderDoesNotDependOnTheBatchSize) {
  EXPECT_EQ(ids_of_epoch(StepPlan(103, {}, 10, kSeed), 1), ids_of_epoch(StepPlan(103, {}, 32, kSeed), 1));
}

TEST(StepPlan, TheLastBatchIsShortNotDropped) {
  const StepPlan plan(103, {}, 10, kSeed);
  EXPECT_EQ(plan.batch(10).size(), 10U);
  EXPECT_EQ(plan.batch(11).size(), 3U);
  EXPECT_EQ(plan.batch(12).size(), 10U);
  EXPECT_EQ(StepPlan(100, {}, 10, kSeed).steps_per_epoch(), 10U);
  EXPECT_EQ(StepPlan(3, {}, 10, kSeed).batch(1).size(), 3U);
}

TEST(StepPlan, TheRanksSharesMakeTheSameBatchInAnyWorld) {
  const StepPlan plan(103, {}, 10, kSeed);
  for (std::uint32_t world = 1; world <= 8; ++world) {
    for (std::uint64_t step = 1; step <= 2 * plan.steps_per_epoch(); ++step) {
      const auto batch = plan.batch(step);
      std::vector<std::uint64_t> joined;
      for (std::uint32_t rank = 0; rank < world; ++rank) {
        const StepPlan own(103, {}, 10, kSeed);  // each rank computes its own
        const auto global = own.batch(step);
        const Share share = share_of(global.size(), rank, world);
        const auto begin = global.begin() + static_cast<std::ptrdiff_t>(share.first);
        joined.insert(joined.end(), begin, begin + static_cast<std::ptrdiff_t>(share.count));
      }
      ASSERT_EQ(joined, batch) << "world " << world << " step " << step;
    }
  }
}

TEST(StepPlan, PositionsCountFromTheFirstUpdate) {
  const StepPlan plan(103, {}, 10, kSeed);
  const auto at = [&plan](std::uint64_t step) {
    const StepPosition position = plan.position_of(step);
    return std::pair<std::uint64_t, std::uint64_t>(position.epoch, position.step_in_epoch);
  };
  EXPECT_EQ(at(1), std::pair(0UL, 0UL));
  EXPECT_EQ(at(11), std::pair(0UL, 10UL));
  EXPECT_EQ(at(12), std::pair(1UL, 0UL));
  EXPECT_EQ(at(34), std::pair(3UL, 0UL));
}

TEST(StepPlan, TrainsOnTheGivenIdsOnly) {
  const std::vector<std::uint64_t> ids{3, 5, 8, 13, 21};
  const StepPlan plan(100, ids, 2, kSeed);
  EXPECT_EQ(plan.samples(), 5U);
  EXPECT_EQ(plan.steps_per_epoch(), 3U);
  EXPECT_EQ(sorted(ids_of_epoch(plan, 7)), ids);
}

TEST(StepPlan, RefusesWhatCannotTrain) {
  EXPECT_THROW(StepPlan(0, {}, 10, kSeed), UsageError);
  EXPECT_THROW(StepPlan(10, {}, 0, kSeed), UsageError);
}

TEST(SplitByHash, PartsTheSamplesByTheirOwnIds) {
  const ValSplit split = split_by_hash(10'000, 0.2, kSeed);
  EXPECT_NEAR(static_cast<double>(split.val.size()), 2'000, 160);  // four sigma
  EXPECT_TRUE(std::is_sorted(split.val.begin(), split.val.end()));
  EXPECT_TRUE(std::is_sorted(split.train.begin(), split.train.end()));
  auto joined = split.train;
  joined.insert(joined.end(), split.val.begin(), split.val.end());
  EXPECT_EQ(sorted(joined), all_ids(10'000));

  // More samples move none across, a larger fraction only adds, another seed draws anew.
  const ValSplit longer = split_by_hash(20'000, 0.2, kSeed);
  EXPECT_TRUE(std::equal(split.val.begin(), split.val.end(), longer.val.begin()));
  const ValSplit larger = split_by_hash(10'000, 0.4, kSeed);
  EXPECT_TRUE(std::includes(larger.val.begin(), larger.val.end(), split.val.begin(), split.val.end()));
  EXPECT_NE(split_by_hash(10'000, 0.2, kSeed + 1).val, split.val);
}

TEST(SplitByHash, NoneOfIt) {
  const ValSplit split = split_by_hash(4, 0.0, kSeed);
  EXPECT_THAT(split.train, ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(split.val, IsEmpty());
}

TEST(SplitByHash, RefusesAnEmptySideAndNonsense) {
  EXPECT_THROW(static_cast<void>(split_by_hash(2, 1e-9, kSeed)), UsageError);
  EXPECT_THROW(static_cast<void>(split_by_hash(2, 1 - 1e-9, kSeed)), UsageError);
  EXPECT_THROW(static_cast<void>(split_by_hash(100, 1.0, kSeed)), UsageError);
  EXPECT_THROW(static_cast<void>(split_by_hash(100, -0.1, kSeed)), UsageError);
}

}  // namespace
}  // namespace ft
