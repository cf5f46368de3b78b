#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "import_support.h"
#include "jpeg_support.h"
#include "patterned_image.h"
#include "payload_encoding.h"

namespace ft::testing {
namespace {

using ::testing::IsEmpty;
using ::testing::Pair;

constexpr EncodingOptions kRestartIndex{.restart_index = true};

EncodedImage raw(std::span<const std::byte> file, int max_side) {
  return encode_image(import_image(file), {.encoding = Encoding::kRaw, .max_side = max_side});
}

std::pair<int, int> raw_size(int width, int height, int max_side) {
  const EncodedImage image = raw(make_jpeg(smooth_image(width, height)), max_side);
  EXPECT_EQ(image.payload.size(), static_cast<std::size_t>(image.width) * image.height * 3);
  EXPECT_EQ(image.resampled, width != image.width || height != image.height);
  return {image.width, image.height};
}

TEST(RawEncoding, LongerSideIsLimitedAndTheShapeKept) {
  EXPECT_THAT(raw_size(500, 335, 256), Pair(256, 172));  // 171.52
  EXPECT_THAT(raw_size(335, 500, 256), Pair(172, 256));
  EXPECT_THAT(raw_size(512, 333, 256), Pair(256, 167));  // 166.5
  EXPECT_THAT(raw_size(2000, 3, 256), Pair(256, 1));     // 0.38
  EXPECT_THAT(raw_size(256, 100, 256), Pair(256, 100));
  EXPECT_THAT(raw_size(30, 20, 256), Pair(30, 20));  // never enlarged
  EXPECT_THAT(raw_size(500, 335, 0), Pair(500, 335));
}

TEST(RawEncoding, WithoutALimitThePixelsAreTheDecoders) {
  const std::vector<std::byte> file = make_jpeg(patterned_image(90, 70));
  const EncodedImage image = raw(file, 0);
  RgbImage decoded;
  decode_rgb(Codec::kJpeg, file, 90, 70, decoded);
  EXPECT_EQ(image.codec, Codec::kRaw);
  EXPECT_TRUE(std::ranges::equal(image.payload, std::as_bytes(decoded.pixels())));
}

TEST(RawEncoding, OtherContainersToo) {
  const std::string png = grey_png(300, 200);
  const EncodedImage image = raw(bytes_of(png), 0);
  EXPECT_EQ(image.codec, Codec::kRaw);
  EXPECT_EQ(image.payload.size(), 300U * 200 * 3);
  EXPECT_EQ(image.converted, "PNG L -> RGB");
}

TEST(OriginalEncoding, RestartMarkersOnlyOnDemand) {
  const std::vector<std::byte> file = make_jpeg(patterned_image(640, 64));
  const EncodedImage plain = encode_image(import_image(file), {});
  EXPECT_EQ(plain.payload, file);
  EXPECT_THAT(plain.restart_offset, IsEmpty());
  const EncodedImage transcoded = encode_image(import_image(file), kRestartIndex);
  EXPECT_EQ(transcoded.codec, Codec::kJpeg);
  EXPECT_EQ(transcoded.restart_offset.size(), 40U);
  EXPECT_EQ(transcoded.found_bytes, file.size());
}

TEST(OriginalEncoding, ATranscodingWithOtherPixelsIsNotStored) {
  const std::vector<std::byte> file = make_jpeg(patterned_image(640, 64));
  ImportedImage image = import_image(file);
  image.pixels.row(33)[77] ^= 1U;
  const EncodedImage kept = encode_image(std::move(image), kRestartIndex);
  EXPECT_EQ(kept.payload, file);
  EXPECT_THAT(kept.restart_offset, IsEmpty());
}

TEST(OriginalEncoding, WhatIsNoPlainJpegIsLeftAlone) {
  const std::string png = grey_png(300, 200);
  const EncodedImage image = encode_image(import_image(bytes_of(png)), kRestartIndex);
  EXPECT_EQ(image.codec, Codec::kPng);
  EXPECT_THAT(image.restart_offset, IsEmpty());
}

}  // namespace
}  // namespace ft::testing
