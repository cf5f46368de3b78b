#include <array>
#include <bit>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ft/base/error.h"
#include "ft/data/transform.h"

#include "patterned_image.h"
#include "vector_pixels.h"

namespace ft {
namespace {

using testing::Each;
using testing::ElementsAreArray;

TEST(TrainPixels, CropsResizesAndMirrors) {
  const RgbImage image = patterned_image(40, 30);
  const Box crop{3, 4, 20, 17};
  Resizer resizer;
  RgbImage plain;
  RgbImage mirrored;
  RgbImage expected;
  resize_bilinear(image, crop, 8, 8, resizer, expected);
  train_pixels(image, {crop, false}, 8, resizer, plain);
  train_pixels(image, {crop, true}, 8, resizer, mirrored);
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
  Resizer resizer;
  RgbImage out;
  const auto expect_first = [&](int image_size, int first) {
    TransformOptions options;
    options.image_size = image_size;
    options.resize = 7;
    test_pixels(image, options, resizer, out);
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
  Resizer resizer;
  RgbImage out;
  RgbImage white(5, 5);
  for (std::uint8_t& value : white.pixels()) value = 255;
  test_pixels(white, options, resizer, out);
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
  Resizer resizer;
  RgbImage out;
  RgbImage expected;
  // torchvision truncates 4 * 10 / 3 to 13; round((13 - 4) / 2) is 4.
  const RgbImage tall = patterned_image(3, 10);
  test_pixels(tall, options, resizer, out);
  resize_bilinear(tall, {0, 0, 3, 10}, 4, 13, resizer, expected);
  EXPECT_THAT(out.pixels(), ElementsAreArray(expected.pixels().subspan(3 * 4 * 4, 3 * 4 * 4)));
  const RgbImage wide = patterned_image(10, 3);
  test_pixels(wide, options, resizer, out);
  resize_bilinear(wide, {0, 0, 10, 3}, 13, 4, resizer, expected);
  for (int y = 0; y < 4; ++y) {
    EXPECT_THAT(out.row(y), ElementsAreArray(expected.row(y).subspan(3 * 4, 3 * 4)));
  }
}

TEST(TestPlan, AStripNeedsOnlyItsMiddle) {
  TransformOptions options;
  options.resize_shorter = true;
  Resizer resizer;
  const Box needed = resizer.prepare(test_plan({60'000, 1}, options).resize);  // of 15,360,000 x 256 pixels
  EXPECT_LE(needed.width, 4);
}

// Writes a 4 x 4 picture's first row with the rest of it black, and gives the row's 12 values.
template <class Value>
std::vector<Value> first_row(const PixelWriter& writer, PixelLayout layout, const RgbImage& row, bool flip) {
  PixelPlan plan;
  plan.resize.window = {0, 0, 4, 1};
  plan.flip = flip;
  plan.side = 4;
  std::vector<Value> image(48);
  writer.write(plan, 0, 4, row.pixels().data(), std::as_writable_bytes(std::span(image)));
  std::vector<Value> values;
  for (std::size_t x = 0; x < 4; ++x) {
    for (std::size_t channel = 0; channel < 3; ++channel) {
      values.push_back(layout == PixelLayout::kNhwc ? image[x * 3 + channel] : image[channel * 16 + x]);
    }
  }
  return values;
}

RgbImage row_of(const std::array<std::uint8_t, 4>& values) {
  RgbImage image(4, 1);
  for (std::size_t i = 0; i < 12; ++i) image.pixels()[i] = values[i / 3];
  return image;
}

// By channel: 0, 1, 127 and 255 through torchvision's ToTensor and Normalize.
constexpr std::array<float, 12> kTorchvision{
    -0x1.0f177ap+1F, -0x1.0ce656p+1F, 0x1.d2734cp-5F,  0x1.1fdc3ap+1F,  -0x1.049248p+1F, -0x1.02549ep+1F,
    0x1.805bc8p-3F,  0x1.36db6ep+1F,  -0x1.cdf012p+0F, -0x1.c979d4p+0F, 0x1.a2e17ap-2F,  0x1.51eb86p+1F};

TEST(PixelWriter, IsTorchvisionsToTheBit) {
  const RgbImage image = row_of({0, 1, 127, 255});
  const TransformOptions options;
  for (const PixelLayout layout : {PixelLayout::kNchw, PixelLayout::kNhwc}) {
    const PixelWriter writer({PixelType::kFloat32, layout}, options.mean, options.std);
    const auto plain = first_row<float>(writer, layout, image, false);
    const auto mirrored = first_row<float>(writer, layout, image, true);
    for (std::size_t i = 0; i < 12; ++i) {
      const std::size_t x = i / 3;
      const std::size_t channel = i % 3;
      const auto expected = std::bit_cast<std::uint32_t>(kTorchvision[channel * 4 + x]);
      EXPECT_EQ(std::bit_cast<std::uint32_t>(plain[i]), expected) << channel << ", " << x;
      EXPECT_EQ(std::bit_cast<std::uint32_t>(mirrored[(3 - x) * 3 + channel]), expected)
          << channel << ", " << x;
    }
  }
}

TEST(PixelWriter, Bfloat16IsTheFloatRoundedToNearestEven) {
  const RgbImage image = row_of({0, 1, 127, 255});
  const TransformOptions options;
  const PixelWriter writer({PixelType::kBfloat16, PixelLayout::kNhwc}, options.mean, options.std);
  const auto got = first_row<std::uint16_t>(writer, PixelLayout::kNhwc, image, false);
  // torch.tensor(kTorchvision).bfloat16()
  constexpr std::array<std::uint16_t, 12> kTorch{0xc008, 0xc002, 0xbfe7, 0xc006, 0xc001, 0xbfe5,
                                                 0x3d69, 0x3e40, 0x3ed1, 0x4010, 0x401b, 0x4029};
  EXPECT_THAT(got, ElementsAreArray(kTorch));
}

TEST(PixelWriter, Uint8LeavesTheGreyLevels) {
  const RgbImage image = row_of({0, 1, 127, 255});
  const PixelWriter writer({PixelType::kUint8, PixelLayout::kNchw}, {}, {1, 1, 1});
  EXPECT_THAT(first_row<std::uint8_t>(writer, PixelLayout::kNchw, image, true),
              testing::ElementsAre(255, 255, 255, 127, 127, 127, 1, 1, 1, 0, 0, 0));
}

// A picture of noise through `writer`, all of it.
std::vector<std::byte> written(const PixelWriter& writer, Size size, bool flip, int left) {
  RgbImage image(size.width, size.height);
  std::uint32_t noise = 1;
  for (std::uint8_t& level : image.pixels()) {
    noise = noise * 1664525U + 1013904223U;
    level = static_cast<std::uint8_t>(noise >> 24U);
  }
  PixelPlan plan;
  plan.resize.window = {0, 0, size.width, size.height};
  plan.flip = flip;
  plan.side = size.width + 2 * left;
  plan.left = left;
  std::vector<std::byte> out(writer.bytes_per_image(plan.side));
  writer.write(plan, 0, plan.side, image.pixels().data(), out);
  return out;
}

// Widths that are whole vectors (written past the caches), that are not, and that are less than one.
TEST(PixelWriter, VectorsWriteWhatTheTablesSay) {
  const TransformOptions options;
  for (const PixelType type : {PixelType::kFloat32, PixelType::kBfloat16, PixelType::kUint8}) {
    for (const PixelLayout layout : {PixelLayout::kNchw, PixelLayout::kNhwc}) {
      const PixelWriter vectors({type, layout}, options.mean, options.std);
      EXPECT_EQ(vectors.uses_vectors(), vector_pixels_available());
      PixelWriter tables = vectors;
      tables.use_tables_only();
      for (const int width : {1, 7, 8, 9, 16, 31, 224}) {
        for (const bool flip : {false, true}) {
          for (const int left : {0, 3}) {
            const Size size{width, 5 <= width ? 5 : 1};
            EXPECT_EQ(written(vectors, size, flip, left), written(tables, size, flip, left))
                << width << (flip ? " flipped" : "") << " from " << left;
          }
        }
      }
    }
  }
}

// The usual ones and some at random. Where the vectors would round otherwise, the tables are used.
TEST(PixelWriter, AnyMeanAndDeviationAreExact) {
  std::mt19937 random(7);
  std::uniform_real_distribution<double> unit(0.001, 1);
  for (int i = 0; i < 200; ++i) {
    const std::array<double, 3> mean{unit(random), unit(random), unit(random)};
    const std::array<double, 3> std{unit(random), i % 10 == 0 ? 1e-39 : unit(random), 1e3 * unit(random)};
    const PixelWriter vectors({PixelType::kFloat32, PixelLayout::kNhwc}, mean, std);
    PixelWriter tables = vectors;
    tables.use_tables_only();
    EXPECT_EQ(written(vectors, {64, 16}, false, 0), written(tables, {64, 16}, false, 0));
  }
}

TEST(PixelWriter, RefusesZeroDeviationAndAWrongSlot) {
  const PixelFormat format;
  EXPECT_THROW(PixelWriter(format, {0, 0, 0}, {1, 0, 1}), UsageError);
  const PixelWriter writer(format, {0, 0, 0}, {1, 1, 1});
  std::vector<std::byte> slot(11);
  PixelPlan plan;
  plan.side = 1;
  EXPECT_THROW(writer.write(plan, 0, 1, nullptr, slot), Error);
}

}  // namespace
}  // namespace ft
