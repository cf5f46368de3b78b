#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ft/comm/fixed_point.h"

#include "fixed_point_kernels.h"

namespace ft {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr int kParts = 8;
constexpr double kStep = 0x1p-40;

// Values of all magnitudes that may be added, of both signs, with ties and subnormals among them.
std::vector<float> values_of_all_sizes(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_int_distribution<int> exponent(-60, 18);
  std::uniform_real_distribution<float> mantissa(-1, 1);
  std::vector<float> values{0.0F, -0.0F, 0x1p-41F, 0x1.8p-40F, -0x1.8p-40F, 0x1p-41F * 1.5F, 0x1p-149F};
  values.resize(std::max(count, values.size()));
  for (std::size_t i = 7; i < count; ++i) values[i] = std::ldexp(mantissa(random), exponent(random));
  return values;
}

// Each kernel that this CPU can run.
template <typename Check>
void with_every_kernel(const Check& check) {
  int which = 0;
  for (const FixedPointKernels& kernels : fixed_point_kernels()) {
    SCOPED_TRACE(testing::Message() << "kernel " << which++);
    check(kernels);
  }
}

TEST(FixedPoint, RoundsEachValueToTheNearestStepTiesToEven) {
  // Odd lengths, so that vectors have remainders; over 2^11 too, where blocks take the other way.
  for (const std::size_t count : {std::size_t{7}, std::size_t{1023}, std::size_t{5001}}) {
    const std::vector<float> values = values_of_all_sizes(count, 1);
    with_every_kernel([&](const FixedPointKernels& kernels) {
      std::vector<float> terms = values;
      std::vector<std::int64_t> sums(count, 77);
      ASSERT_TRUE(kernels.add(terms, sums, fixed_point_limit(kParts), SumTerm::kFirst));
      EXPECT_THAT(terms, testing::Each(0.0F));
      for (std::size_t i = 0; i < count; ++i) {
        // long double holds the product and the whole number exactly.
        ASSERT_EQ(sums[i], std::llrintl(std::ldexp(static_cast<long double>(values[i]), 40))) << values[i];
      }
    });
  }
}

TEST(FixedPoint, SumsAreWithinTheirBoundOfTheExactOnes) {
  constexpr std::size_t kCount = 4099;
  with_every_kernel([&](const FixedPointKernels& kernels) {
    std::vector<long double> exact(kCount, 0);
    std::vector<std::int64_t> sums(kCount);
    for (int part = 0; part < kParts; ++part) {
      std::vector<float> values = values_of_all_sizes(kCount, static_cast<unsigned>(part));
      for (std::size_t i = 0; i < kCount; ++i) exact[i] += values[i];
      ASSERT_TRUE(
          kernels.add(values, sums, fixed_point_limit(kParts), part == 0 ? SumTerm::kFirst : SumTerm::kNext));
    }
    std::vector<float> back(kCount);
    kernels.convert(sums, back);
    for (std::size_t i = 0; i < kCount; ++i) {
      const long double sum = static_cast<long double>(sums[i]) * kStep;
      ASSERT_LE(std::fabs(sum - exact[i]), kParts * kStep / 2) << i;
      ASSERT_EQ(back[i], static_cast<float>(sum)) << "more than one rounding at " << i;
    }
  });
}

TEST(FixedPoint, AnyOrderAndAnyGroupingGivesTheSameBits) {
  constexpr std::size_t kCount = 2050;
  std::vector<std::vector<float>> parts;
  parts.reserve(kParts);
  for (int part = 0; part < kParts; ++part) parts.push_back(values_of_all_sizes(kCount, 40U + part));
  const auto sum_of = [&](const std::vector<int>& order) {
    std::vector<std::int64_t> sums(kCount);
    for (const int part : order) {
      std::vector<float> values = parts[static_cast<std::size_t>(part)];
      EXPECT_TRUE(add_fixed_point(values, sums, fixed_point_limit(kParts), SumTerm::kNext));
    }
    return sums;
  };
  const auto reference = sum_of({0, 1, 2, 3, 4, 5, 6, 7});
  EXPECT_EQ(sum_of({7, 3, 5, 1, 0, 2, 6, 4}), reference);
  auto halves = sum_of({1, 3, 5, 7});
  const auto others = sum_of({0, 2, 4, 6});
  std::transform(halves.begin(), halves.end(), others.begin(), halves.begin(), std::plus<>());
  EXPECT_EQ(halves, reference);
}

TEST(FixedPoint, TheLargestPartsTogetherStayBelowTheLastBit) {
  for (const int parts : {1, 2, 3, 7, 8, 1000, kMostParts}) {
    const float limit = fixed_point_limit(parts);
    EXPECT_GE(limit, 0x1p11F);
    EXPECT_LT(static_cast<double>(limit) * parts, 0x1p22);
    std::vector<std::int64_t> sums(1);
    for (int part = 0; part < parts; ++part) {
      std::vector<float> value{std::nextafter(limit, 0.0F)};
      ASSERT_TRUE(add_fixed_point(value, sums, limit, part == 0 ? SumTerm::kFirst : SumTerm::kNext));
    }
    EXPECT_LT(sums[0], std::int64_t{1} << 62);
    EXPECT_GT(sums[0], (std::int64_t{1} << 62) - (std::int64_t{1} << 50)) << "the limit wastes room";
  }
}

TEST(FixedPoint, WhatCannotBeAddedIsReportedAndLeft) {
  const float limit = fixed_point_limit(kParts);
  for (const float bad :
       {kNan, kInfinity, -kInfinity, limit, -limit, 0x1p30F, std::nextafter(limit, kInfinity)}) {
    with_every_kernel([&](const FixedPointKernels& kernels) {
      for (const std::size_t where : {std::size_t{0}, std::size_t{1500}, std::size_t{2046}}) {
        std::vector<float> values(2047, 0.5F);
        values[where] = bad;
        std::vector<std::int64_t> sums(2047, 3);
        EXPECT_FALSE(kernels.add(values, sums, limit, SumTerm::kNext)) << bad;
        EXPECT_EQ(std::bit_cast<std::uint32_t>(values[where]), std::bit_cast<std::uint32_t>(bad));
        EXPECT_EQ(sums[where], 3) << "it must not have been cast";
        EXPECT_EQ(values[(where + 1) % 2047], 0);
        EXPECT_EQ(sums[(where + 1) % 2047], 3 + (std::int64_t{1} << 39));
      }
    });
  }
}

TEST(FixedPoint, NothingIsNothing) {
  EXPECT_TRUE(add_fixed_point({}, {}, fixed_point_limit(1), SumTerm::kFirst));
  from_fixed_point({}, {});
}

TEST(ExactLoss, SumsAreTheSameInAnyOrder) {
  std::mt19937 random(5);
  std::uniform_real_distribution<float> loss(0, 300);
  std::vector<double> terms(1000);
  for (double& term : terms) {
    const double value = loss(random);
    term = exact_loss_term(value);
    EXPECT_NEAR(term, value, 0x1p-25);
  }
  terms.push_back(exact_loss_term(0x1p28));  // where doubles are 2^-24 apart
  const auto sum = [&] { return std::accumulate(terms.begin(), terms.end(), 0.0); };
  const double reference = sum();
  for (int round = 0; round < 20; ++round) {
    std::shuffle(terms.begin(), terms.end(), random);
    EXPECT_EQ(sum(), reference);
  }
  EXPECT_LE(exact_loss_limit(kParts) * kParts, 0x1p29);
}

}  // namespace
}  // namespace ft
