#include <algorithm>
#include <map>
#include <vector>

#include <gtest/gtest.h>

#include "ft/base/permutation.h"
#include "ft/base/philox.h"

namespace ft {
namespace {

// The known-answer vectors of the reference implementation (Random123, kat_vectors: philox4x32 10).
TEST(Philox, KnownAnswers) {
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}), (PhiloxBlock{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (PhiloxBlock{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (PhiloxBlock{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(RandomStream, UsesAndCountersDoNotShareNumbers) {
  RandomStream a(7, RandomUse::kAugment, 1, 2), same(7, RandomUse::kAugment, 1, 2),
      use(7, RandomUse::kHeadInit, 1, 2), epoch(7, RandomUse::kAugment, 2, 2),
      sample(7, RandomUse::kAugment, 1, 3);
  const std::uint32_t first = a.next_u32();
  EXPECT_EQ(first, same.next_u32());
  EXPECT_NE(first, use.next_u32());
  EXPECT_NE(first, epoch.next_u32());
  EXPECT_NE(first, sample.next_u32());
}

TEST(RandomStream, DoublesAreUniform) {
  RandomStream stream(1, RandomUse::kAugment, 0, 0);
  constexpr int kDraws = 100000;
  double sum = 0, lowest = 1, highest = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double value = stream.next_double();
    sum += value;
    lowest = std::min(lowest, value);
    highest = std::max(highest, value);
  }
  EXPECT_NEAR(sum / kDraws, 0.5, 0.005);  // five standard errors
  EXPECT_GE(lowest, 0.0);
  EXPECT_LT(highest, 1.0);
}

TEST(RandomStream, BelowCoversItsRangeEvenly) {
  RandomStream stream(3, RandomUse::kAugment, 0, 0);
  std::vector<int> counts(3);
  for (int i = 0; i < 30000; ++i) ++counts.at(stream.below(3));
  for (const int count : counts) EXPECT_NEAR(count, 10000, 400);
}

class PermutationOf : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(PermutationOf, VisitsEachIndexOnce) {
  const Permutation permutation(GetParam(), 42, RandomUse::kEpochOrder, 3);
  std::vector<bool> seen(GetParam());
  for (std::uint64_t i = 0; i < GetParam(); ++i) {
    const std::uint64_t index = permutation[i];
    ASSERT_LT(index, GetParam());
    ASSERT_FALSE(seen[index]) << index;
    seen[index] = true;
  }
}
INSTANTIATE_TEST_SUITE_P(Sizes, PermutationOf, ::testing::Values(1, 2, 3, 4, 5, 16, 17, 255, 1000, 65537));

TEST(Permutation, EpochsAndSeedsDiffer) {
  const auto order = [](std::uint64_t seed, std::uint32_t epoch) {
    const Permutation permutation(100, seed, RandomUse::kEpochOrder, epoch);
    std::vector<std::uint64_t> result;
    for (std::uint64_t i = 0; i < 100; ++i) result.push_back(permutation[i]);
    return result;
  };
  EXPECT_NE(order(0, 0), order(0, 1));
  EXPECT_NE(order(0, 0), order(1, 0));
  EXPECT_EQ(order(0, 0), order(0, 0));
}

// Each of the 6 orders of 3 things, over many epochs, within five standard errors of a sixth.
TEST(Permutation, SmallOnesAreFair) {
  constexpr int kEpochs = 12000;
  std::map<std::vector<std::uint64_t>, int> counts;
  for (std::uint32_t epoch = 0; epoch < kEpochs; ++epoch) {
    const Permutation p(3, 9, RandomUse::kEpochOrder, epoch);
    ++counts[{p[0], p[1], p[2]}];
  }
  EXPECT_EQ(counts.size(), 6U);
  for (const auto& [order, count] : counts) EXPECT_NEAR(count, kEpochs / 6, 5 * 41);
}

}  // namespace
}  // namespace ft
