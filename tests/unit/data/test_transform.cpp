#include <bit>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ft/base/error.h"
#include "ft/data/transform.h"

#include "patterned_image.h"

namespace ft {
namespace {

using testing::Each;
using testing::ElementsAreArray;

TEST(TrainPixels, CropsResizesAndMirrors) {
  const RgbImage image = patterned_image(40, 30);
  const Box crop{3, 4, 20, 17};
  ResizeScratch scratch;
  RgbImage plain;
  RgbImage mirrored;
  RgbImage expected;
  resize_bilinear(image, crop, 8, 8, scratch, expected);
  train_pixels(image, {crop, false}, 8, scratch, plain);
  train_pixels(image, {crop, true}, 8, scratch, mirrored);
  EXPECT_THAT(plain.pixels(), ElementsAreArray(expected.pixels()));
  for (int y = 0; y < 8; ++y) {
    for (std::size_t x = 0; x < 8; ++x) {
      EXPECT_THAT(mirrored.row(y).subspan(x * 3, 3), ElementsAreArray(plain.row(y).subspan((7 - x) * 3, 3)));
    }
  }
}

// The picture already has the size, so that only the cut is seen. Python rounds 1.5 and 2.5 to 2.
TEST(TestPixels, CutsTheCentreWithPythonsRounding) {
  const RgbImage image = patterned_image(7, 7);
  ResizeScratch scratch;
  RgbImage out;
  const auto expect_first = [&](int image_size, int first) {
    TransformOptions options;
    options.image_size = image_size;
    options.resize = 7;
    test_pixels(image, options, scratch, out);
    ASSERT_EQ(out.width(), image_size);
    for (int y = 0; y < image_size; ++y) {
      EXPECT_THAT(out.row(y), ElementsAreArray(image.row(y + first).subspan(
                                  static_cast<std::size_t>(first) * 3, out.stride())))
          << "crop to " << image_size << ", row " << y;
    }
  };
  expect_first(7, 0);
  expect_first(5, 1);
  expect_first(4, 2);
  expect_first(2, 2);
}

TEST(TestPixels, PadsWithZerosWhatIsTooSmall) {
  TransformOptions options;
  options.image_size = 8;
  options.resize = 5;
  ResizeScratch scratch;
  RgbImage out;
  RgbImage white(5, 5);
  for (std::uint8_t& value : white.pixels()) value = 255;
  test_pixels(white, options, scratch, out);
  // One zero row or column before, two after.
  for (int y = 0; y < 8; ++y) {
    for (int x = 0; x < 8; ++x) {
      const bool inside = y >= 1 && y < 6 && x >= 1 && x < 6;
      EXPECT_THAT(out.row(y).subspan(static_cast<std::size_t>(x) * 3, 3), Each(inside ? 255 : 0))
          << x << ", " << y;
    }
  }
}

TEST(TestPixels, ShorterKeepsTheShape) {
  TransformOptions options;
  options.image_size = 4;
  options.resize = 4;
  options.resize_shorter = true;
  ResizeScratch scratch;
  RgbImage out;
  RgbImage expected;
  // torchvision truncates 4 * 10 / 3 to 13; round((13 - 4) / 2) is 4.
  const RgbImage tall = patterned_image(3, 10);
  test_pixels(tall, options, scratch, out);
  resize_bilinear_window(tall, {0, 0, 3, 10}, {4, 13}, {0, 4, 4, 4}, scratch, expected);
  EXPECT_THAT(out.pixels(), ElementsAreArray(expected.pixels()));
  const RgbImage wide = patterned_image(10, 3);
  test_pixels(wide, options, scratch, out);
  resize_bilinear_window(wide, {0, 0, 10, 3}, {13, 4}, {4, 0, 4, 4}, scratch, expected);
  EXPECT_THAT(out.pixels(), ElementsAreArray(expected.pixels()));
}

TEST(TestPixels, AStripNeedsNoMemoryForItsWholeLength) {
  TransformOptions options;
  options.resize_shorter = true;
  ResizeScratch scratch;
  RgbImage out;
  test_pixels(patterned_image(60'000, 1), options, scratch, out);  // would be 15,360,000 x 256 pixels
  EXPECT_EQ(out.width(), 224);
  EXPECT_LT(scratch.rows.size(), std::size_t{1} << 20);
}

// Bits from torchvision's ToTensor and Normalize.
TEST(Normalizer, IsTorchvisionsToTheBit) {
  RgbImage image(4, 1);
  constexpr std::array<std::uint8_t, 4> kValues{0, 1, 127, 255};
  for (std::size_t i = 0; i < 12; ++i) image.pixels()[i] = kValues[i / 3];
  const std::array<float, 12> torchvision{-0x1.0f177ap+1F, -0x1.0ce656p+1F, 0x1.d2734cp-5F, 0x1.1fdc3ap+1F,
                                          -0x1.049248p+1F, -0x1.02549ep+1F, 0x1.805bc8p-3F, 0x1.36db6ep+1F,
                                          -0x1.cdf012p+0F, -0x1.c979d4p+0F, 0x1.a2e17ap-2F, 0x1.51eb86p+1F};
  const TransformOptions options;
  const Normalizer normalizer(options.mean, options.std);
  std::array<float, 12> nchw{};
  std::array<float, 12> nhwc{};
  normalizer.write(image, PixelLayout::kNchw, nchw);
  normalizer.write(image, PixelLayout::kNhwc, nhwc);
  for (std::size_t channel = 0; channel < 3; ++channel) {
    for (std::size_t x = 0; x < 4; ++x) {
      const auto expected = std::bit_cast<std::uint32_t>(torchvision[channel * 4 + x]);
      EXPECT_EQ(std::bit_cast<std::uint32_t>(nchw[channel * 4 + x]), expected) << channel << ", " << x;
      EXPECT_EQ(std::bit_cast<std::uint32_t>(nhwc[x * 3 + channel]), expected) << channel << ", " << x;
    }
  }
}

TEST(Normalizer, RefusesZeroDeviationAndAWrongSlot) {
  EXPECT_THROW(Normalizer({0, 0, 0}, {1, 0, 1}), UsageError);
  const Normalizer normalizer({0, 0, 0}, {1, 1, 1});
  std::array<float, 3> slot{};
  EXPECT_THROW(normalizer.write(patterned_image(2, 1), PixelLayout::kNhwc, slot), Error);
}

}  // namespace
}  // namespace ft
