#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ft/base/error.h"
#include "ft/comm/bucket_layout.h"

namespace ft {
namespace {

using testing::ElementsAre;

constexpr std::size_t kMiB = std::size_t{1} << 20U;
constexpr std::int64_t kAlignment = 16;  // float32 elements in 64 bytes

std::vector<std::vector<std::size_t>> parameters_by_bucket(const BucketLayout& layout) {
  std::vector<std::vector<std::size_t>> result;
  for (const auto& bucket : layout.buckets) {
    auto& parameters = result.emplace_back();
    for (const auto& segment : bucket.segments) parameters.push_back(segment.parameter);
  }
  return result;
}

// Alignment, order and adjacency, which hold for every layout.
void expect_sound(const BucketLayout& layout, std::span<const ParameterSlot> parameters) {
  std::int64_t end = 0;
  std::size_t next = parameters.size();
  for (const auto& bucket : layout.buckets) {
    EXPECT_EQ(bucket.offset, end) << "buckets lie next to each other";
    EXPECT_FALSE(bucket.segments.empty());
    for (const auto& segment : bucket.segments) {
      EXPECT_EQ(segment.parameter, --next) << "reverse order";
      EXPECT_EQ(segment.offset % kAlignment, 0);
      EXPECT_GE(segment.offset, end);
      EXPECT_LT(segment.offset - end, kAlignment) << "gaps are for alignment only";
      EXPECT_EQ(segment.length, parameters[segment.parameter].elements);
      EXPECT_EQ(segment.group, parameters[segment.parameter].group);
      end = segment.offset + segment.length;
    }
    EXPECT_GE(bucket.offset + bucket.length, end);
    end = bucket.offset + bucket.length;
  }
  EXPECT_EQ(next, 0U) << "every parameter is in";
  EXPECT_EQ(layout.total_elements, end);
}

TEST(BucketLayout, OfNothingIsEmpty) {
  const BucketLayout layout(std::vector<ParameterSlot>{}, kMiB, kMiB);
  EXPECT_TRUE(layout.buckets.empty());
  EXPECT_EQ(layout.total_elements, 0);
}

TEST(BucketLayout, FillsInReverseOrderWithASmallFirstBucket) {
  const std::vector<ParameterSlot> parameters{{64, 0}, {64, 0}, {64, 0}, {16, 1}, {16, 1}};
  const BucketLayout layout(parameters, 128, 1024);
  EXPECT_THAT(parameters_by_bucket(layout), ElementsAre(ElementsAre(4, 3), ElementsAre(2, 1, 0)));
  expect_sound(layout, parameters);
}

TEST(BucketLayout, KeepsToTheCapacityAfterTheFirstBucket) {
  const std::vector<ParameterSlot> parameters(9, ParameterSlot{32, 0});
  const BucketLayout layout(parameters, 128, 512);
  EXPECT_THAT(parameters_by_bucket(layout),
              ElementsAre(ElementsAre(8), ElementsAre(7, 6, 5, 4), ElementsAre(3, 2, 1, 0)));
  expect_sound(layout, parameters);
}

TEST(BucketLayout, AlignsEachSegmentTo64Bytes) {
  const std::vector<ParameterSlot> parameters{{1, 0}, {17, 0}, {2, 1}};
  const BucketLayout layout(parameters, kMiB, kMiB);
  ASSERT_EQ(layout.buckets.size(), 1U);
  const auto& segments = layout.buckets[0].segments;
  EXPECT_EQ(segments[0].offset, 0);
  EXPECT_EQ(segments[1].offset, 16);
  EXPECT_EQ(segments[2].offset, 48);
  EXPECT_EQ(layout.total_elements, 64);
  expect_sound(layout, parameters);
}

TEST(BucketLayout, CountsTheGapsAgainstTheCapacity) {
  // Two parameters of one element take 128 bytes with their gaps.
  const std::vector<ParameterSlot> parameters{{1, 0}, {1, 0}};
  EXPECT_EQ(BucketLayout(parameters, 64, 64).buckets.size(), 2U);
  EXPECT_EQ(BucketLayout(parameters, 128, 64).buckets.size(), 1U);
}

TEST(BucketLayout, GivesAHugeParameterABucketOfItsOwn) {
  const std::vector<ParameterSlot> parameters{{16, 0}, {10'000, 0}, {16, 0}, {16, 1}};
  const BucketLayout layout(parameters, 64, 1024);
  EXPECT_THAT(parameters_by_bucket(layout),
              ElementsAre(ElementsAre(3), ElementsAre(2), ElementsAre(1), ElementsAre(0)));
  expect_sound(layout, parameters);
}

TEST(BucketLayout, TakesAHugeFirstParameter) {
  const std::vector<ParameterSlot> parameters{{16, 0}, {16, 0}, {10'000, 1}};
  const BucketLayout layout(parameters, 64, 1024);
  EXPECT_THAT(parameters_by_bucket(layout), ElementsAre(ElementsAre(2), ElementsAre(1, 0)));
  expect_sound(layout, parameters);
}

TEST(BucketLayout, KeepsParametersWithoutElements) {
  const std::vector<ParameterSlot> parameters{{0, 0}, {16, 0}};
  const BucketLayout layout(parameters, 64, 64);
  ASSERT_EQ(layout.buckets.size(), 1U);
  EXPECT_EQ(layout.buckets[0].segments[1].length, 0);
}

// The parameters of ResNet-18 in torchvision's order, for two classes.
std::vector<ParameterSlot> resnet18() {
  std::vector<ParameterSlot> parameters;
  const auto convolution_with_norm = [&](std::int64_t in, std::int64_t out, std::int64_t window) {
    for (const std::int64_t elements : {in * out * window, out, out}) parameters.push_back({elements, 0});
  };
  convolution_with_norm(3, 64, 49);
  std::int64_t in = 64;
  for (const std::int64_t width : {64, 128, 256, 512}) {
    convolution_with_norm(in, width, 9);
    convolution_with_norm(width, width, 9);
    if (in != width) convolution_with_norm(in, width, 1);
    convolution_with_norm(width, width, 9);
    convolution_with_norm(width, width, 9);
    in = width;
  }
  parameters.push_back({1024, 1});
  parameters.push_back({2, 1});
  return parameters;
}

TEST(BucketLayout, OfResNet18StartsCommunicationWithTheHead) {
  const auto parameters = resnet18();
  ASSERT_EQ(parameters.size(), 62U);
  const BucketLayout layout(parameters, kMiB, 25 * kMiB);
  EXPECT_THAT(parameters_by_bucket(layout).front(), ElementsAre(61, 60, 59, 58))
      << "the head and the last BatchNorm";
  EXPECT_EQ(layout.buckets.size(), 3U);
  expect_sound(layout, parameters);
}

TEST(BucketLayout, RefusesNegativeCounts) {
  const std::vector<ParameterSlot> parameters{{-1, 0}};
  EXPECT_THROW(BucketLayout(parameters, kMiB, kMiB), Error);
}

}  // namespace
}  // namespace ft
