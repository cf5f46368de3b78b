#include <algorithm>

#include <gtest/gtest.h>

#include "ft/data/codec.h"

#include "jpeg_restart.h"
#include "jpeg_support.h"
#include "patterned_image.h"

namespace ft::testing {
namespace {

RgbImage decoded(std::span<const std::byte> file, int width, int height) {
  RgbImage image;
  decode_rgb(Codec::kJpeg, file, width, height, image);
  return image;
}

void expect_same_pixels(const RgbImage& a, const RgbImage& b) {
  EXPECT_TRUE(std::ranges::equal(a.pixels(), b.pixels()));
}

int byte_at(const std::vector<std::byte>& file, std::size_t at) {
  return std::to_integer<int>(file.at(at));
}

// From the file's DRI segment; 0 without one.
int restart_interval(const std::vector<std::byte>& file) {
  constexpr std::array<std::byte, 4> kSegment{std::byte{0xFF}, std::byte{0xDD}, std::byte{0}, std::byte{4}};
  const auto found = std::ranges::search(file, kSegment);
  if (found.empty()) return 0;
  const auto at = static_cast<std::size_t>(found.end() - file.begin());
  return byte_at(file, at) * 256 + byte_at(file, at + 1);
}

int ceiling(int a, int b) {
  return (a + b - 1) / b;
}

// Marker by marker: the intervals are where the offsets say, and none goes over the end of a row.
void expect_sound_intervals(const RestartJpeg& made, int mcus_per_row, int rows) {
  const int interval = restart_interval(made.file);
  ASSERT_GT(interval, 0);
  EXPECT_EQ(mcus_per_row % interval, 0);
  const std::vector<std::uint32_t>& offsets = made.restart_offset;
  ASSERT_EQ(offsets.size(), static_cast<std::size_t>(mcus_per_row / interval * rows));
  const std::size_t scan_header = offsets[0] - 14;  // of three components
  EXPECT_EQ(byte_at(made.file, scan_header), 0xFF);
  EXPECT_EQ(byte_at(made.file, scan_header + 1), 0xDA);
  EXPECT_EQ(byte_at(made.file, scan_header + 3), 12);
  std::size_t markers = 0;
  for (std::size_t at = offsets[0]; at + 1 < made.file.size(); ++at) {
    if (byte_at(made.file, at) != 0xFF || (byte_at(made.file, at + 1) & 0xF8) != 0xD0) continue;
    ++markers;
    ASSERT_LT(markers, offsets.size());
    EXPECT_EQ(offsets[markers], at + 2);
    EXPECT_EQ(byte_at(made.file, at + 1), 0xD0 + static_cast<int>((markers - 1) % 8));
  }
  EXPECT_EQ(markers, offsets.size() - 1);
}

struct Sampling {
  int luma_h, luma_v;
};

class SampledJpeg : public ::testing::TestWithParam<Sampling> {};

TEST_P(SampledJpeg, HasTheSamePixelsInIntervalsOfARow) {
  const auto [h, v] = GetParam();
  for (const auto& [width, height] : {std::pair{640, 96}, {333, 50}, {17, 200}, {64, 64}, {1, 1}}) {
    const std::vector<std::byte> file =
        make_jpeg(patterned_image(width, height), {.luma_h = h, .luma_v = v, .quality = 95});
    const std::optional<RestartJpeg> made = add_restart_markers(file);
    ASSERT_TRUE(made) << width;
    expect_same_pixels(decoded(made->file, width, height), decoded(file, width, height));
    expect_sound_intervals(*made, ceiling(width, 8 * h), ceiling(height, 8 * v));
    EXPECT_LE(made->file.size() + 4 * made->restart_offset.size(), file.size() + file.size() / 50) << width;
  }
}

INSTANTIATE_TEST_SUITE_P(All, SampledJpeg,
                         ::testing::Values(Sampling{1, 1}, Sampling{2, 1}, Sampling{1, 2}, Sampling{2, 2}));

TEST(RestartMarkers, TheNarrowestIntervalsThatAreWideEnough) {
  // 40 MCUs of 16 pixels: intervals of 4 MCUs are 64 pixels wide.
  EXPECT_EQ(restart_interval(add_restart_markers(make_jpeg(patterned_image(640, 64)))->file), 4);
  // 23 MCUs cannot be cut evenly.
  EXPECT_EQ(restart_interval(add_restart_markers(make_jpeg(patterned_image(23 * 16, 64)))->file), 23);
  // A picture narrower than an interval.
  EXPECT_EQ(restart_interval(add_restart_markers(make_jpeg(patterned_image(40, 640)))->file), 3);
}

TEST(RestartMarkers, FewerWhereTheyCostMoreThanTheySave) {
  const RgbImage image = smooth_image(640, 480);
  std::vector<int> intervals;
  for (const int quality : {60, 90, 98, 100}) {
    const std::vector<std::byte> file = make_jpeg(image, {.quality = quality, .optimised = true});
    const std::optional<RestartJpeg> made = add_restart_markers(file);
    intervals.push_back(made ? restart_interval(made->file) : 1000);
    if (!made) continue;
    EXPECT_LE(made->file.size() + 4 * made->restart_offset.size(), file.size() + file.size() / 50) << quality;
  }
  EXPECT_EQ(intervals.front(), 1000);  // not even one a row
  EXPECT_TRUE(std::ranges::is_sorted(intervals, std::greater<>())) << ::testing::PrintToString(intervals);
}

TEST(RestartMarkers, TakeThePlaceOfThoseThatWereThere) {
  const std::vector<std::byte> file = make_jpeg(patterned_image(640, 64), {.restart_interval = 3});
  const std::optional<RestartJpeg> made = add_restart_markers(file);
  ASSERT_TRUE(made);
  expect_sound_intervals(*made, 40, 4);
  expect_same_pixels(decoded(made->file, 640, 64), decoded(file, 640, 64));
}

TEST(RestartMarkers, ColoursThatAreNoYcc) {
  const std::vector<std::byte> file = make_jpeg(patterned_image(640, 64), {.colours = JCS_RGB});
  const std::optional<RestartJpeg> made = add_restart_markers(file);
  ASSERT_TRUE(made);
  expect_same_pixels(decoded(made->file, 640, 64), decoded(file, 640, 64));
}

TEST(RestartMarkers, OddFilesStayAsTheyAre) {
  const RgbImage image = patterned_image(640, 64);
  EXPECT_FALSE(add_restart_markers(make_jpeg(image, {.progressive = true})));
  EXPECT_FALSE(add_restart_markers(make_jpeg(image, {.arithmetic = true})));
  EXPECT_FALSE(add_restart_markers(make_jpeg(image, {.one_scan_a_component = true})));
  EXPECT_FALSE(add_restart_markers(make_jpeg(image, {.colours = JCS_GRAYSCALE})));
  EXPECT_FALSE(add_restart_markers(make_jpeg(image, {.luma_h = 4, .luma_v = 1})));
  EXPECT_FALSE(add_restart_markers({}));
}

TEST(RestartMarkers, DamagedFilesStayAsTheyAre) {
  const std::vector<std::byte> file = make_jpeg(patterned_image(640, 64));
  for (const std::size_t kept : {2UL, 100UL, 300UL, 700UL, file.size() / 2, file.size() - 1}) {
    EXPECT_FALSE(add_restart_markers(std::span(file).first(kept))) << kept;
  }
  std::vector<std::byte> warned = file;  // a marker where data should be, which decoders step over
  warned[file.size() / 2] = std::byte{0xFF};
  warned[file.size() / 2 + 1] = std::byte{0xD3};
  EXPECT_FALSE(add_restart_markers(warned));
}

}  // namespace
}  // namespace ft::testing
