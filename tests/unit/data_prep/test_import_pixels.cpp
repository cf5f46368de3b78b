// What imported pictures look like, and in which form they are stored.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "import_support.h"
#include "importers/orientation.h"
#include "patterned_image.h"
#include "payload_encoding.h"
#include "tiny_jpegs.h"

namespace ft::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;

std::vector<int> pixels_of(const EncodedImage& stored) {
  RgbImage image;
  decode_rgb(stored.codec, stored.payload, stored.width, stored.height, image);
  return {image.pixels().begin(), image.pixels().end()};
}

EncodedImage stored(std::span<const std::byte> file) {
  return encode_image(import_image(file), {});
}

EncodedImage stored(const std::string& file) {
  return stored(bytes_of(file));
}

TEST(ImportPixels, PlainJpegsAreStoredAsFound) {
  const std::vector<std::byte> file = bytes_of_hex(kTinyRgbJpeg);
  const EncodedImage result = stored(file);
  EXPECT_EQ(result.codec, Codec::kJpeg);
  EXPECT_EQ(result.payload, file);
  EXPECT_EQ(result.converted, "");
  EXPECT_FALSE(result.exif_oriented);
  EXPECT_THAT(pixels_of(result), ElementsAreArray(kTinyRgbPixels));
}

TEST(ImportPixels, GreyJpegsAreStoredAsFoundToo) {
  const std::vector<std::byte> file = bytes_of_hex(kTinyGreyJpeg);
  const EncodedImage result = stored(file);
  EXPECT_EQ(result.payload, file);
  EXPECT_EQ(result.width, kTinyJpegWidth);
  EXPECT_EQ(result.height, kTinyJpegHeight);
}

TEST(ImportPixels, JunkBehindAJpegIsKeptAndHarmless) {
  std::vector<std::byte> file = bytes_of_hex(kTinyRgbJpeg);
  file.resize(file.size() + 100);
  const EncodedImage result = stored(file);
  EXPECT_EQ(result.payload, file);
  EXPECT_THAT(pixels_of(result), ElementsAreArray(kTinyRgbPixels));
}

TEST(ImportPixels, ExifOrientationIsReportedAndNotObeyed) {
  for (const int orientation : {0, 1, 2, 6, 8, 9}) {
    std::vector<std::byte> file = bytes_of_hex(kTinyRgbJpeg);
    const std::string tiff = std::string("MM\0*\0\0\0\x08\0\1\x01\x12\0\3\0\0\0\1\0", 19) +
                             static_cast<char>(orientation) + std::string(6, '\0');
    const std::string body = std::string("Exif\0\0", 6) + tiff;
    const std::string segment = std::string("\xFF\xE1\0", 3) + static_cast<char>(body.size() + 2) + body;
    const auto bytes = bytes_of(segment);
    file.insert(file.begin() + 2, bytes.begin(), bytes.end());
    const EncodedImage result = stored(file);
    EXPECT_EQ(result.exif_oriented, orientation >= 2 && orientation <= 8) << orientation;
    EXPECT_THAT(pixels_of(result), ElementsAreArray(kTinyRgbPixels));
  }
}

TEST(ImportPixels, BmpRowsAreBottomUpAndBlueFirst) {
  const EncodedImage result = stored(bmp(1, 2, std::string("\1\2\3\0\4\5\6\0", 8)));
  EXPECT_EQ(result.converted, "BMP RGB -> RGB");
  EXPECT_THAT(pixels_of(result), ElementsAre(6, 5, 4, 3, 2, 1));
}

TEST(ImportPixels, GifColoursComeFromTheTable) {
  const EncodedImage result = stored(gif(2, 2, kGifPixels));
  EXPECT_EQ(result.converted, "GIF P -> RGB");
  EXPECT_THAT(pixels_of(result), ElementsAre(200, 210, 220, 10, 20, 30, 10, 20, 30, 200, 210, 220));
}

TEST(ImportPixels, PngGreyIsSpreadOverThreeChannels) {
  const EncodedImage result = stored(grey_png(1, 3));
  EXPECT_EQ(result.converted, "PNG L -> RGB");
  EXPECT_THAT(pixels_of(result), ElementsAre(0, 0, 0, 1, 1, 1, 2, 2, 2));
}

TEST(ImportPixels, TinyPicturesAreStoredRawAndOthersAsPng) {
  const EncodedImage tiny = stored(grey_png(64, 85));   // 16,320 bytes of pixels
  const EncodedImage small = stored(grey_png(64, 86));  // 16,512
  EXPECT_EQ(tiny.codec, Codec::kRaw);
  EXPECT_EQ(small.codec, Codec::kPng);
  const std::vector<int> pixels = pixels_of(small);
  EXPECT_EQ(pixels.size(), 64U * 86U * 3U);
  EXPECT_EQ(pixels.back(), 85);
}

TEST(ImportPixels, TheSameFileGivesTheSameBytes) {
  const std::string file = grey_png(100, 100);
  EXPECT_EQ(stored(file).payload, stored(file).payload);
}

// Orientation 6 wants a quarter turn clockwise, 8 one against it; the even ones below 5 and 5, 7 are
// mirrored.
TEST(ImportOrientation, TurnsAndMirrors) {
  const RgbImage image = patterned_image(3, 2);
  struct Expected {
    int orientation;
    int first_x, first_y;  // where the top left pixel of the result was
    bool transposed;
  };
  for (const Expected& expected :
       {Expected{1, 0, 0, false}, Expected{2, 2, 0, false}, Expected{3, 2, 1, false},
        Expected{4, 0, 1, false}, Expected{5, 0, 0, true}, Expected{6, 0, 1, true}, Expected{7, 2, 1, true},
        Expected{8, 2, 0, true}}) {
    const RgbImage result = importers::turned(image, expected.orientation);
    EXPECT_EQ(result.width(), expected.transposed ? 2 : 3) << expected.orientation;
    EXPECT_EQ(result.row(0)[0], image.row(expected.first_y)[static_cast<std::size_t>(expected.first_x) * 3])
        << expected.orientation;
  }
}

}  // namespace
}  // namespace ft::testing
