#include <algorithm>
#include <array>
#include <numeric>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <png.h>

#include "ft/base/error.h"
#include "ft/data/codec.h"

#include "patterned_image.h"
#include "tiny_jpegs.h"

namespace ft {
namespace {

using testing::ElementsAreArray;
using testing::HasSubstr;

RgbImage decode(Codec codec, std::span<const std::byte> payload, int width, int height) {
  RgbImage image;
  decode_rgb(codec, payload, width, height, image);
  return image;
}

RgbImage decode_tiny(std::span<const std::byte> payload) {
  return decode(Codec::kJpeg, payload, kTinyJpegWidth, kTinyJpegHeight);
}

// what() of the DataError, or "" when there was none.
std::string error_of(Codec codec, std::span<const std::byte> payload, int width, int height) {
  try {
    static_cast<void>(decode(codec, payload, width, height));
    return "";
  } catch (const DataError& error) {
    return error.what();
  }
}

std::vector<std::byte> png_of(const RgbImage& image, png_uint_32 format = PNG_FORMAT_RGB) {
  png_image header{};
  header.version = PNG_IMAGE_VERSION;
  header.width = static_cast<png_uint_32>(image.width());
  header.height = static_cast<png_uint_32>(image.height());
  header.format = format;
  png_alloc_size_t bytes = PNG_IMAGE_PNG_SIZE_MAX(header);
  std::vector<std::byte> png(bytes);
  if (png_image_write_to_memory(&header, png.data(), &bytes, 0, image.pixels().data(), 0, nullptr) == 0) {
    throw std::runtime_error(header.message);
  }
  png.resize(bytes);
  return png;
}

TEST(Codec, JpegIsPillows) {
  EXPECT_THAT(decode_tiny(bytes_of_hex(kTinyRgbJpeg)).pixels(), ElementsAreArray(kTinyRgbPixels));
}

TEST(Codec, GreyJpegFillsAllChannels) {
  const RgbImage image = decode_tiny(bytes_of_hex(kTinyGreyJpeg));
  for (std::size_t i = 0; i < kTinyGreyPixels.size(); ++i) {
    for (std::size_t channel = 0; channel < 3; ++channel) {
      ASSERT_EQ(image.pixels()[i * 3 + channel], kTinyGreyPixels[i]) << "pixel " << i;
    }
  }
}

TEST(Codec, JpegCutAnywhereIsRefused) {
  const auto payload = bytes_of_hex(kTinyRgbJpeg);
  for (std::size_t bytes = 0; bytes < payload.size(); ++bytes) {
    const auto cut = std::span(payload).first(bytes);
    ASSERT_NE(error_of(Codec::kJpeg, cut, kTinyJpegWidth, kTinyJpegHeight), "") << bytes << " bytes";
  }
  EXPECT_THAT(error_of(Codec::kJpeg, std::span(payload).first(300), kTinyJpegWidth, kTinyJpegHeight),
              HasSubstr("truncated: it ends after 300 bytes"));
}

TEST(Codec, JpegThatIsNoJpegSaysWhatLibjpegSays) {
  const std::vector<std::byte> zeros(64);
  EXPECT_THAT(error_of(Codec::kJpeg, zeros, 5, 3), HasSubstr("Not a JPEG file"));
}

TEST(Codec, OtherDimensionsAreRefused) {
  const auto jpeg = bytes_of_hex(kTinyRgbJpeg);
  EXPECT_THAT(error_of(Codec::kJpeg, jpeg, 3, 5), HasSubstr("5x3 pixels, the set's tables say 3x5"));
  EXPECT_THAT(error_of(Codec::kPng, png_of(patterned_image(4, 2)), 4, 3), HasSubstr("4x2"));
  EXPECT_THAT(error_of(Codec::kRaw, jpeg, 5, 3), HasSubstr("instead of 45"));
}

TEST(Codec, ABombIsRefusedByItsHeader) {
  auto payload = bytes_of_hex(kTinyRgbJpeg);
  // Height and width in the frame header, after its length and precision.
  const std::array frame{std::byte{0xff}, std::byte{0xc0}};
  const auto start = std::search(payload.begin(), payload.end(), frame.begin(), frame.end());
  std::fill_n(start + 5, 4, std::byte{0xfa});
  EXPECT_THAT(error_of(Codec::kJpeg, payload, 0xfafa, 0xfafa), HasSubstr("above the limit"));
}

TEST(Codec, PngAndRawAreLossless) {
  const RgbImage image = patterned_image(13, 6);
  EXPECT_THAT(decode(Codec::kPng, png_of(image), 13, 6).pixels(), ElementsAreArray(image.pixels()));
  EXPECT_THAT(decode(Codec::kRaw, std::as_bytes(image.pixels()), 13, 6).pixels(),
              ElementsAreArray(image.pixels()));
}

TEST(Codec, PngCutOrDamagedIsRefused) {
  auto payload = png_of(patterned_image(13, 6));
  for (std::size_t bytes = 0; bytes < payload.size(); ++bytes) {
    ASSERT_NE(error_of(Codec::kPng, std::span(payload).first(bytes), 13, 6), "") << bytes << " bytes";
  }
  payload[payload.size() / 2] ^= std::byte{1};
  EXPECT_THAT(error_of(Codec::kPng, payload, 13, 6), HasSubstr("PNG is damaged"));
}

TEST(Codec, PngOfAnotherKindIsRefused) {
  // The same memory read as grey: four bytes a row are enough for four pixels.
  EXPECT_THAT(error_of(Codec::kPng, png_of(patterned_image(4, 2), PNG_FORMAT_GRAY), 4, 2),
              HasSubstr("not 8-bit RGB"));
}

TEST(Decoder, RawPixelsAreNotCopied) {
  const RgbImage image = patterned_image(13, 6);
  Decoder decoder;
  const auto payload = std::as_bytes(image.pixels());
  const RgbView view = decoder.decode({Codec::kRaw, payload, {13, 6}, {}}, {2, 3, 4, 2});
  EXPECT_EQ(view.at(5, 4), image.row(4).data() + 15);
  EXPECT_EQ(view.end(), image.pixels().data() + image.pixels().size());
}

TEST(Decoder, AWindowOfAJpegIsThatPartOfTheWhole) {
  const auto payload = bytes_of_hex(kTinyRgbJpeg);
  const RgbImage whole = decode_tiny(payload);
  Decoder decoder;
  const Box window{1, 1, 3, 2};
  const RgbView view = decoder.decode({Codec::kJpeg, payload, {kTinyJpegWidth, kTinyJpegHeight}, {}}, window);
  ASSERT_TRUE(view.box.contains(window));
  for (int y = 1; y < 3; ++y) {
    EXPECT_THAT(std::span(view.at(1, y), 9), ElementsAreArray(whole.row(y).subspan(3, 9)));
  }
}

// What decode_rgb, which is libjpeg alone, says of the same bytes, in these rows.
void expect_as_decode_rgb(Decoder& decoder, std::span<const std::byte> payload, const std::vector<int>& rows,
                          const std::string& what) {
  const StoredPicture picture{Codec::kJpeg, payload, {kTinyJpegWidth, kTinyJpegHeight}, {}};
  const std::string expected = error_of(Codec::kJpeg, payload, kTinyJpegWidth, kTinyJpegHeight);
  RgbImage pixels;
  try {
    decoder.decode_rows(picture, rows, pixels);
  } catch (const DataError& error) {
    ASSERT_EQ(error.what(), expected) << what;
    return;
  }
  ASSERT_EQ(expected, "") << what;
  ASSERT_EQ(pixels.height(), static_cast<int>(rows.size())) << what;
  const RgbImage whole = decode_tiny(payload);
  for (int i = 0; i < pixels.height(); ++i) {
    ASSERT_THAT(pixels.row(i), ElementsAreArray(whole.row(rows[static_cast<std::size_t>(i)]))) << what;
  }
}

TEST(Decoder, RowsAndRefusalsAreLibjpegs) {
  Decoder decoder;
  std::vector<int> all(kTinyJpegHeight);
  std::iota(all.begin(), all.end(), 0);
  const std::vector<int> some{1, kTinyJpegHeight - 1};
  const std::vector<int> first{0};
  for (const auto& whole : {bytes_of_hex(kTinyRgbJpeg), bytes_of_hex(kTinyGreyJpeg)}) {
    expect_as_decode_rgb(decoder, whole, all, "as it is");
    for (std::size_t i = 0; i < whole.size(); ++i) {
      // Damage below the last row that is wanted is found as well.
      for (const auto& rows : {all, some, first}) {
        expect_as_decode_rgb(decoder, std::span(whole).first(i), rows, "cut at " + std::to_string(i));
      }
      for (int bit = 0; bit < 8; ++bit) {
        auto damaged = whole;
        damaged[i] ^= std::byte{1} << bit;
        expect_as_decode_rgb(decoder, damaged, bit % 2 == 0 ? all : some,
                             "bit " + std::to_string(bit) + " of " + std::to_string(i));
      }
    }
  }
}

TEST(Decoder, OffsetsThatDoNotFitTheStreamAreRefused) {
  const auto payload = bytes_of_hex(kTinyRgbJpeg);
  const std::array<std::uint32_t, 1> offsets{7};
  Decoder decoder;
  EXPECT_THROW(static_cast<void>(decoder.decode(
                   {Codec::kJpeg, payload, {kTinyJpegWidth, kTinyJpegHeight}, offsets}, {0, 0, 1, 1})),
               DataError);
}

TEST(Codec, ABufferIsReusedForSmallerPictures) {
  const RgbImage image = patterned_image(13, 6);
  RgbImage out(100, 100);
  decode_rgb(Codec::kRaw, std::as_bytes(image.pixels()), 13, 6, out);
  EXPECT_EQ(out.width(), 13);
  EXPECT_THAT(out.pixels(), ElementsAreArray(image.pixels()));
}

}  // namespace
}  // namespace ft
