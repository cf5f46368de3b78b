// Damaged, cut and oversized files: a reason each, and nothing allocated on the word of a header.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "import_support.h"
#include "tiny_jpegs.h"

namespace ft::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::string tiny_jpeg() {
  const std::vector<std::byte> bytes = bytes_of_hex(kTinyRgbJpeg);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Every proper prefix is refused with a reason, or, where the pixels are all there, imported; none crashes.
std::size_t shortest_importable(const std::string& file) {
  std::size_t length = file.size();
  while (length > 0 && refusal(file.substr(0, length - 1)).empty()) --length;
  for (std::size_t i = 0; i < length; ++i) EXPECT_FALSE(refusal(file.substr(0, i)).empty()) << i << " bytes";
  return length;
}

TEST(ImportRefusals, PngMayLoseItsEndButNoPixel) {
  const std::string file = grey_png(7, 5);
  const std::size_t end_chunk = 12;
  const std::size_t unread = 9;  // two checksums, and the byte that ends the zlib stream
  EXPECT_LE(shortest_importable(file), file.size() - end_chunk);
  EXPECT_GE(shortest_importable(file), file.size() - end_chunk - unread);
}

TEST(ImportRefusals, BmpMayLoseOnlyThePaddingOfItsLastRow) {
  const std::string file = bmp(3, 2, std::string(24, 'x'));
  EXPECT_EQ(shortest_importable(file), file.size() - 3);
}

TEST(ImportRefusals, GifMayLoseOnlyWhatFollowsItsPixels) {
  const std::string file = gif(2, 2, kGifPixels);
  EXPECT_EQ(shortest_importable(file), file.size() - 2);
}

// Huffman codes are read ahead: without the marker, the last block is not known to be whole.
TEST(ImportRefusals, JpegNeedsItsEndMarker) {
  const std::string file = tiny_jpeg();
  EXPECT_EQ(shortest_importable(file), file.size());
}

TEST(ImportRefusals, SayThatAJpegIsTruncated) {
  const std::string file = tiny_jpeg();
  EXPECT_THAT(refusal(file.substr(0, file.size() - 10)), HasSubstr("truncated"));
  EXPECT_THAT(refusal(file.substr(0, 30)), StartsWith("truncated JPEG: the file ends at byte 30"));
}

TEST(ImportRefusals, BombsAreKnownByDeclaredSize) {
  const std::string limit = "178956970 pixels";
  EXPECT_THAT(refusal(png_header(100000, 100000)), HasSubstr("100000 x 100000"));
  EXPECT_THAT(refusal(bmp(100000, 100000, "")), HasSubstr(limit));
  EXPECT_THAT(refusal(gif(65535, 65535, kGifPixels)), HasSubstr(limit));
  std::string jpeg = tiny_jpeg();
  jpeg.replace(jpeg.find("\xFF\xC0") + 5, 4, "\xFF\xFF\xFF\xFF");
  EXPECT_THAT(refusal(jpeg), StartsWith("too large: the JPEG claims 65535 x 65535 pixels"));
}

TEST(ImportRefusals, ThePixelLimitIsPillowsToThePixel) {
  EXPECT_THAT(refusal(bmp(215, 832'359, "")), StartsWith("too large: the BMP claims"));
  EXPECT_THAT(refusal(bmp(215, 832'358, "")), StartsWith("too large: a BMP of 54 bytes"));
}

TEST(ImportRefusals, ASideHasALimitToo) {
  EXPECT_THAT(refusal(bmp(1'048'577, 1, "")), HasSubstr("1048576 a side"));
  EXPECT_THAT(refusal(bmp(1'048'576, 1, "")), StartsWith("truncated BMP"));
}

// 160 MiB, unless the file is a thousandth of it.
TEST(ImportRefusals, SmallFilesMayNotTakeMuchMemory) {
  EXPECT_THAT(refusal(bmp(80, 524'289, "")), StartsWith("too large: a BMP of 54 bytes that takes 160 MiB"));
  EXPECT_THAT(refusal(bmp(80, 524'288, "")), StartsWith("truncated BMP"));
  EXPECT_THAT(refusal(bmp(80, 524'289, std::string(168'000, 'x'))), StartsWith("truncated BMP"));
}

TEST(ImportRefusals, EmptyPicturesAreRefused) {
  EXPECT_EQ(refusal(png_header(0, 4)), "broken PNG: 0 x 4 pixels");
  EXPECT_EQ(refusal(bmp(4, 0, "")), "broken BMP: 4 x 0 pixels");
}

TEST(ImportRefusals, PngTextMayNotUnpackToMoreThanAMebibyte) {
  const std::string key("key\0\0", 5);
  const std::string fits = key + packed(std::string(1U << 20U, 'x'));
  const std::string bomb = key + packed(std::string((1U << 20U) + 1, 'x'));
  EXPECT_EQ(refusal(grey_png(2, 2, png_chunk("zTXt", fits))), "");
  EXPECT_EQ(refusal(grey_png(2, 2, png_chunk("zTXt", bomb))),
            "broken PNG: zTXt chunk unpacks to more than 1048576 bytes");
}

TEST(ImportRefusals, PngChecksumsCountInFrontOfThePixels) {
  std::string file = grey_png(2, 2, png_chunk("tEXt", std::string("a\0b", 3)));
  file[file.find("tEXt") + 4] = 'c';
  EXPECT_EQ(refusal(file), "broken PNG: wrong checksum of the tEXt chunk at byte 33");
}

// zlib asks for a dictionary as often as it is called: this one took for ever.
TEST(ImportRefusals, PngDataMayNotNeedADictionary) {
  const std::string data("\x78\x3F\xC0\x0F\x78\x3C\xEA\x88", 8);
  EXPECT_EQ(refusal(png_header(2, 2) + png_chunk("IDAT", data)),
            "broken PNG: image data in row 0: damaged stream");
}

TEST(ImportRefusals, AProgressiveJpegMayNotHaveHundredsOfScans) {
  const std::string file = tiny_jpeg();
  const std::size_t scan = file.find("\xFF\xDA");
  std::string many = file.substr(0, file.size() - 2);
  for (int i = 0; i < 501; ++i) many += file.substr(scan, file.size() - 2 - scan);
  EXPECT_EQ(refusal(many + "\xFF\xD9"), "too costly: JPEG of more than 500 scans");
}

// libjpeg keeps all coefficients until the last scan has been read, progressive or not.
TEST(ImportRefusals, AJpegOfSeveralScansCountsItsCoefficients) {
  std::string file = tiny_jpeg();
  file.replace(file.find("\xFF\xC0") + 5, 4, "\x17\x70\x17\x70");  // 6000 x 6000: 103 MiB of RGB
  EXPECT_THAT(refusal(file), Not(StartsWith("too large")));
  const std::size_t scan = file.find("\xFF\xDA");
  const std::string again = file.substr(scan, file.size() - 2 - scan);
  EXPECT_THAT(refusal(file.substr(0, file.size() - 2) + again + "\xFF\xD9"),
              StartsWith("too large: a JPEG of"));
}

TEST(ImportRefusals, GifCodesThatDoNotExistYetAreDamage) {
  std::string data = kGifPixels;
  data[3] = '\xFF';
  EXPECT_EQ(refusal(gif(2, 2, data)), "broken GIF: damaged image data in row 0");
}

TEST(ImportRefusals, TiffWithoutADirectorySaysSo) {
  EXPECT_THAT(refusal(std::string("II*\0\xFF\xFF\0\0", 8)), StartsWith("broken TIFF: unreadable directory"));
}

// Any byte of any of these files may be wrong: the answer is a picture or a reason.
TEST(ImportRefusals, NoSingleWrongByteDoesMore) {
  for (const std::string& good :
       {grey_png(7, 5), bmp(3, 2, std::string(24, 'x')), gif(2, 2, kGifPixels), tiny_jpeg()}) {
    ASSERT_EQ(refusal(good), "");
    for (std::size_t i = 0; i < good.size(); ++i) {
      for (const char value : {'\0', '\x01', '\x7F', '\xFF'}) {
        std::string bad = good;
        bad[i] = value;
        EXPECT_EQ(refusal(bad).find('\n'), std::string::npos);
      }
    }
  }
}

}  // namespace
}  // namespace ft::testing
