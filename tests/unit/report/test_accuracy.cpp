#include <stdexcept>

#include <gtest/gtest.h>

#include "ft/report/accuracy.h"

namespace ft {
namespace {

// Reference: the roots of (p - k/n)^2 = z^2 p (1 - p) / n, by bisection in 40 digits.
TEST(WilsonInterval, SolvesTheScoreEquation) {
  const auto [low, high] = wilson_interval(754, 800);
  EXPECT_NEAR(low, 0.9241540, 1e-6);
  EXPECT_NEAR(high, 0.9566167, 1e-6);
  const auto [low_of_few, high_of_few] = wilson_interval(1, 10);
  EXPECT_NEAR(low_of_few, 0.0178762, 1e-6);
  EXPECT_NEAR(high_of_few, 0.4041500, 1e-6);
}

TEST(WilsonInterval, NothingKnownIsTheWholeRange) {
  EXPECT_EQ(wilson_interval(0, 0).low, 0);
  EXPECT_EQ(wilson_interval(0, 0).high, 1);
}

TEST(WilsonInterval, TouchesTheEndsExactly) {
  EXPECT_EQ(wilson_interval(0, 50).low, 0);
  EXPECT_EQ(wilson_interval(50, 50).high, 1);
  EXPECT_NEAR(wilson_interval(50, 50).low, 0.9286524, 1e-6);
  EXPECT_NEAR(wilson_interval(0, 50).high, 0.0713476, 1e-6);
}

TEST(ConfusionMatrix, CountsByTruthAndPrediction) {
  ConfusionMatrix matrix(3);
  matrix.add(0, 0);
  matrix.add(0, 1);
  matrix.add(1, 1);
  EXPECT_EQ(matrix.total(), 3U);
  EXPECT_EQ(matrix.correct(), 2U);
  EXPECT_EQ(matrix.counts()[0][1], 1U);
  EXPECT_EQ(matrix.recall(), (std::vector<double>{0.5, 1, 0}));
}

TEST(ConfusionMatrix, RefusesWhatIsNoClass) {
  ConfusionMatrix matrix(2);
  EXPECT_THROW(matrix.add(2, 0), std::out_of_range);
  EXPECT_THROW(matrix.add(0, 2), std::out_of_range);
}

}  // namespace
}  // namespace ft
