#include <array>

#include <gtest/gtest.h>

#include "ft/train/batch_tensor.h"

namespace ft {
namespace {

constexpr int kSide = 2;
constexpr std::size_t kValues = 3 * kSide * kSide;

// One image whose value number i, as it lies in memory, is i.
template <typename Value>
BatchTensors tensors_of(std::array<Value, kValues>& values, PixelType type, PixelLayout layout) {
  static const std::array<std::int64_t, 1> label{1};
  static const std::array<std::uint64_t, 1> id{7};
  const BatchView batch{std::as_writable_bytes(std::span(values)), label, id, type};
  return to_tensors(batch, kSide, layout);
}

template <typename Value>
void expect_values(PixelType type, torch::ScalarType scalar) {
  std::array<Value, kValues> values;
  for (std::size_t i = 0; i < kValues; ++i) values[i] = static_cast<Value>(static_cast<float>(i));
  const torch::Tensor planes = tensors_of(values, type, PixelLayout::kNchw).images;
  const torch::Tensor pixels = tensors_of(values, type, PixelLayout::kNhwc).images;
  EXPECT_EQ(planes.scalar_type(), scalar);
  EXPECT_TRUE(pixels.is_contiguous(torch::MemoryFormat::ChannelsLast));
  EXPECT_EQ(planes[0][2][1][0].item<float>(), 10);  // channel 2 starts at 8
  EXPECT_EQ(pixels[0][2][1][0].item<float>(), 8);   // pixel 2 starts at 6
}

TEST(BatchTensor, SharesTheMemoryInItsTypeAndLayout) {
  expect_values<float>(PixelType::kFloat32, torch::kFloat32);
  expect_values<at::BFloat16>(PixelType::kBfloat16, torch::kBFloat16);
  expect_values<std::uint8_t>(PixelType::kUint8, torch::kUInt8);
}

}  // namespace
}  // namespace ft
