#include <cmath>
#include <set>
#include <tuple>

#include <gtest/gtest.h>

#include "ft/data/augment.h"

namespace ft {
namespace {

TEST(Augment, IsAPureFunctionOfSeedEpochAndSample) {
  const AugmentDraw draw = draw_augmentation(1, 2, 3, 500, 375);
  static_cast<void>(draw_augmentation(9, 9, 9, 50, 60));
  const AugmentDraw again = draw_augmentation(1, 2, 3, 500, 375);
  EXPECT_EQ(draw.crop, again.crop);
  EXPECT_EQ(draw.flip, again.flip);
}

TEST(Augment, EachOfThemMatters) {
  std::set<std::tuple<int, int, int, int>> boxes;
  const auto add = [&boxes](const AugmentDraw& draw) {
    boxes.emplace(draw.crop.left, draw.crop.top, draw.crop.width, draw.crop.height);
  };
  for (std::uint32_t i = 0; i < 20; ++i) {
    add(draw_augmentation(100 + i, 1, 1, 5000, 4000));
    add(draw_augmentation(1, 100 + i, 1, 5000, 4000));
    add(draw_augmentation(1, 1, 100 + i, 5000, 4000));
  }
  EXPECT_EQ(boxes.size(), 60U);
}

// The expected moments: 60,000 draws of torchvision's RandomResizedCrop.get_params on 500 x 375 pixels.
TEST(Augment, HasTorchvisionsDistribution) {
  constexpr int kDraws = 40'000;
  double area = 0;
  double area_squared = 0;
  double log_ratio = 0;
  double log_ratio_squared = 0;
  double center_x = 0;
  int small = 0;
  int flips = 0;
  for (std::uint64_t id = 0; id < kDraws; ++id) {
    const auto [crop, flip] = draw_augmentation(7, 0, id, 500, 375);
    ASSERT_GE(crop.left, 0);
    ASSERT_GE(crop.top, 0);
    ASSERT_LE(crop.left + crop.width, 500);
    ASSERT_LE(crop.top + crop.height, 375);
    const double fraction = crop.width * crop.height / (500.0 * 375.0);
    const double ratio = std::log(static_cast<double>(crop.width) / crop.height);
    ASSERT_GT(fraction, 0.078);
    ASSERT_LT(std::abs(ratio), std::log(4.0 / 3.0) + 0.01);
    area += fraction;
    area_squared += fraction * fraction;
    log_ratio += ratio;
    log_ratio_squared += ratio * ratio;
    center_x += (crop.left + crop.width / 2.0) / 500.0;
    small += fraction < 0.25 ? 1 : 0;
    flips += flip ? 1 : 0;
  }
  const auto deviation = [](double sum, double squares) {
    return std::sqrt(squares / kDraws - sum / kDraws * sum / kDraws);
  };
  EXPECT_NEAR(area / kDraws, 0.4329, 0.006);
  EXPECT_NEAR(deviation(area, area_squared), 0.2167, 0.004);
  EXPECT_NEAR(log_ratio / kDraws, 0.0308, 0.005);
  EXPECT_NEAR(deviation(log_ratio, log_ratio_squared), 0.1641, 0.003);
  EXPECT_NEAR(center_x / kDraws, 0.5, 0.004);
  EXPECT_NEAR(static_cast<double>(small) / kDraws, 0.2492, 0.012);
  EXPECT_NEAR(static_cast<double>(flips) / kDraws, 0.5, 0.012);
}

// Pictures of which no allowed box exists: torchvision's answers.
TEST(Augment, FallsBackToTheCentre) {
  const auto crop = [](int width, int height) { return draw_augmentation(1, 2, 3, width, height).crop; };
  EXPECT_EQ(crop(2000, 10), (Box{993, 0, 13, 10}));
  EXPECT_EQ(crop(10, 2000), (Box{0, 993, 10, 13}));
  EXPECT_EQ(crop(30, 1000), (Box{0, 480, 30, 40}));
  EXPECT_EQ(crop(1, 500), (Box{0, 249, 1, 1}));
  EXPECT_EQ(crop(500, 1), (Box{249, 0, 1, 1}));
  EXPECT_EQ(crop(1, 1), (Box{0, 0, 1, 1}));
}

}  // namespace
}  // namespace ft
