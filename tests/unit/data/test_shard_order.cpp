#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ft/data/shard_order.h"
#include "ft/data/step_plan.h"

#include "patterned_image.h"
#include "temporary_directory.h"
#include "tiny_packed_set.h"

namespace ft {
namespace {

constexpr std::uint64_t kSeed = 42;

// Ids count through the shards: sample 1000 s + r is row r of shard s.
ShardLayout layout_with(std::vector<std::uint64_t> rows) {
  return {std::move(rows), [](std::uint32_t shard, std::uint64_t row) { return 1000ULL * shard + row; }};
}

std::vector<std::uint64_t> epoch_of(const ShardLayout& layout, std::uint64_t seed, std::uint32_t epoch) {
  const ShardOrder order(layout, seed, epoch);
  std::vector<std::uint64_t> ids;
  for (std::uint64_t i = 0; i < layout.samples(); ++i) ids.push_back(order[i]);
  return ids;
}

std::vector<std::uint64_t> all_of(const ShardLayout& layout) {
  std::vector<std::uint64_t> ids;
  for (std::uint32_t shard = 0; shard < layout.rows.size(); ++shard) {
    for (std::uint64_t row = 0; row < layout.rows[shard]; ++row) ids.push_back(layout.sample_id(shard, row));
  }
  return ids;
}

TEST(ShardOrder, HasEachSampleOnceForAnyNumbersOfShardsAndRows) {
  for (std::uint64_t shards = 1; shards <= 14; ++shards) {
    std::vector<std::uint64_t> rows;
    for (std::uint64_t i = 0; i < shards; ++i) rows.push_back((i * 7 + 3) % 11);  // some are empty
    const ShardLayout layout = layout_with(rows);
    auto ids = epoch_of(layout, kSeed, 3);
    std::sort(ids.begin(), ids.end());
    ASSERT_EQ(ids, all_of(layout)) << shards;
  }
}

TEST(ShardOrder, StaysWithinAWindowOfShards) {
  const ShardLayout layout = layout_with(std::vector<std::uint64_t>(13, 50));
  for (std::uint32_t epoch = 0; epoch < 5; ++epoch) {
    std::map<std::uint64_t, std::pair<std::size_t, std::size_t>> first_and_last;
    const auto ids = epoch_of(layout, kSeed, epoch);
    for (std::size_t i = 0; i < ids.size(); ++i) {
      auto [it, fresh] = first_and_last.try_emplace(ids[i] / 1000, i, i);
      it->second.second = i;
    }
    for (std::size_t i = 0; i < ids.size(); ++i) {
      std::size_t open = 0;
      for (const auto& [shard, range] : first_and_last) open += range.first <= i && i <= range.second ? 1 : 0;
      ASSERT_LE(open, kShuffleWindow) << "epoch " << epoch << " position " << i;
    }
  }
}

TEST(ShardOrder, WindowsDifferByOneShardAtMost) {
  // Five shards are three and two, not four and one that is mixed with nothing.
  const ShardLayout layout = layout_with(std::vector<std::uint64_t>(5, 40));
  const auto ids = epoch_of(layout, kSeed, 0);
  const auto shards_in = [&](std::size_t begin, std::size_t end) {
    std::set<std::uint64_t> shards;
    for (std::size_t i = begin; i < end; ++i) shards.insert(ids[i] / 1000);
    return shards.size();
  };
  EXPECT_EQ(shards_in(0, 120), 3U);
  EXPECT_EQ(shards_in(120, 200), 2U);
}

TEST(ShardOrder, IsAPureFunctionOfSeedAndEpoch) {
  const ShardLayout layout = layout_with({30, 40, 35, 38, 41, 29});
  std::set<std::vector<std::uint64_t>> orders;
  for (std::uint32_t epoch = 0; epoch < 4; ++epoch) {
    EXPECT_EQ(epoch_of(layout, kSeed, epoch), epoch_of(layout, kSeed, epoch));
    orders.insert(epoch_of(layout, kSeed, epoch));
    orders.insert(epoch_of(layout, kSeed + 1, epoch));
  }
  EXPECT_EQ(orders.size(), 8U);
}

// How far two neighbours of one shard are apart in the order, and which shard comes first, are those of a
// fair shuffle.
TEST(ShardOrder, MixesFairly) {
  constexpr std::uint64_t kShards = 8, kRows = 64;
  constexpr std::uint32_t kEpochs = 400;
  const ShardLayout layout = layout_with(std::vector<std::uint64_t>(kShards, kRows));
  std::vector<int> first_shard(kShards);
  double sum = 0;
  for (std::uint32_t epoch = 0; epoch < kEpochs; ++epoch) {
    const auto ids = epoch_of(layout, kSeed, epoch);
    ++first_shard[ids[0] / 1000];
    const auto place = [&ids](std::uint64_t id) {
      return static_cast<double>(std::find(ids.begin(), ids.end(), id) - ids.begin());
    };
    sum += std::abs(place(3000) - place(3001));
  }
  // Uniform in a window of 256: a third of it apart on average, with deviation 256 / sqrt(18).
  EXPECT_NEAR(sum / kEpochs, 256 / 3.0, 4 * 256 / std::sqrt(18.0 * kEpochs));
  double chi_squared = 0;
  for (const int count : first_shard) chi_squared += std::pow(count - 50.0, 2) / 50;
  EXPECT_LT(chi_squared, 24.3);  // seven degrees of freedom, p = 0.001
}

TEST(ShardOrder, MakesTheBatchesOfAPlanWhateverTheirSizeOrOrder) {
  const ShardLayout layout = layout_with({30, 40, 35, 38, 41, 29});
  const StepPlan plan(layout, 16, kSeed);
  EXPECT_EQ(plan.samples(), layout.samples());
  for (const std::uint32_t epoch : {2U, 0U}) {
    std::vector<std::uint64_t> ids;
    for (std::uint64_t step = 1; step <= plan.steps_per_epoch(); ++step) {
      const auto batch = plan.batch(epoch * plan.steps_per_epoch() + step);
      ids.insert(ids.end(), batch.begin(), batch.end());
    }
    EXPECT_EQ(ids, epoch_of(layout, kSeed, epoch));
  }
  // A cursor gives the same, forwards and backwards; so does another rank's plan with a batch of its own.
  BatchCursor cursor(plan);
  for (std::uint64_t step = 3 * plan.steps_per_epoch(); step > 0; --step) {
    EXPECT_THAT(cursor.batch(step), testing::ElementsAreArray(plan.batch(step)));
  }
  EXPECT_EQ(StepPlan(layout, 48, kSeed).batch(1)[20], plan.batch(2)[4]);
}

TEST(ShardLayout, OfASetIsAllOfItOrTheGivenIds) {
  const TemporaryDirectory directory;
  TinyPackedSet samples;
  for (int i = 0; i < 9; ++i) samples.add_raw(patterned_image(4, 4), i % 2);
  samples.write(directory.path());
  const auto set = std::make_shared<const PackedSet>(directory.path());
  EXPECT_EQ(all_of(layout_of(set, {})), (std::vector<std::uint64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8}));
  const std::vector<std::uint64_t> ids{1, 4, 8};
  EXPECT_EQ(all_of(layout_of(set, ids)), ids);
  auto order = epoch_of(layout_of(set, ids), kSeed, 0);
  std::sort(order.begin(), order.end());
  EXPECT_EQ(order, ids);
}

}  // namespace
}  // namespace ft
