#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "ft/comm/bfloat16.h"

namespace ft {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

TEST(BFloat16, EveryValueSurvivesTheRoundTrip) {
  for (std::uint32_t bits = 0; bits <= 0xffffU; ++bits) {
    const float value = bfloat16_to_float(static_cast<std::uint16_t>(bits));
    const float back = bfloat16_to_float(float_to_bfloat16(value));
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(back)) << bits;
    } else {
      EXPECT_EQ(back, value) << bits;
    }
  }
}

TEST(BFloat16, RoundsToNearestTiesToEven) {
  // Neighbours above 1 are 1 + 1/128 and 1 + 2/128.
  EXPECT_EQ(bfloat16_to_float(float_to_bfloat16(1.0F + 1.0F / 256)), 1.0F);
  EXPECT_EQ(bfloat16_to_float(float_to_bfloat16(1.0F + 3.0F / 256)), 1.0F + 2.0F / 128);
  EXPECT_EQ(bfloat16_to_float(float_to_bfloat16(1.0F + 1.01F / 256)), 1.0F + 1.0F / 128);
}

TEST(BFloat16, OverflowsToInfinity) {
  EXPECT_EQ(bfloat16_to_float(float_to_bfloat16(std::numeric_limits<float>::max())), kInfinity);
  EXPECT_EQ(bfloat16_to_float(float_to_bfloat16(-kInfinity)), -kInfinity);
}

float combine_one(float a, float b, ReduceOp op) {
  const std::vector<std::uint16_t> in{float_to_bfloat16(a)};
  std::vector<std::uint16_t> inout{float_to_bfloat16(b)};
  combine_bfloat16(in, inout, op);
  return bfloat16_to_float(inout[0]);
}

TEST(BFloat16, CombinesByEachOperation) {
  EXPECT_EQ(combine_one(1.5F, -2.0F, ReduceOp::kSum), -0.5F);
  EXPECT_EQ(combine_one(1.5F, -2.0F, ReduceOp::kMin), -2.0F);
  EXPECT_EQ(combine_one(1.5F, -2.0F, ReduceOp::kMax), 1.5F);
}

TEST(BFloat16, KeepsANanFromEitherSide) {
  for (const auto op : {ReduceOp::kSum, ReduceOp::kMin, ReduceOp::kMax}) {
    EXPECT_TRUE(std::isnan(combine_one(kNan, 1.0F, op)));
    EXPECT_TRUE(std::isnan(combine_one(1.0F, kNan, op)));
  }
}

}  // namespace
}  // namespace ft
