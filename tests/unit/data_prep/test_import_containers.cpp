// Telling containers by content, and naming what is not imported.
#include <gtest/gtest.h>

#include "import_support.h"
#include "importers/container.h"

namespace ft::testing {
namespace {

using namespace std::string_literals;
using importers::Container;

Container told(const std::string& file) {
  return importers::tell_container({reinterpret_cast<const std::uint8_t*>(file.data()), file.size()});
}

TEST(ImportContainers, AreToldByTheirFirstBytes) {
  EXPECT_EQ(told("\xFF\xD8\xFF\xE0"s), Container::kJpeg);
  EXPECT_EQ(told("\x89PNG\r\n\x1A\n"s), Container::kPng);
  EXPECT_EQ(told("GIF87a"s), Container::kGif);
  EXPECT_EQ(told("GIF89a"s), Container::kGif);
  EXPECT_EQ(told("BM"s), Container::kBmp);
  EXPECT_EQ(told("II*\0"s), Container::kTiff);
  EXPECT_EQ(told("MM\0*"s), Container::kTiff);
  EXPECT_EQ(told("RIFF\4\0\0\0WEBPVP8L"s), Container::kWebp);
}

struct Refused {
  std::string file;
  std::string reason;
};

class ImportRefusal : public ::testing::TestWithParam<Refused> {};

TEST_P(ImportRefusal, NamesWhatItIs) {
  EXPECT_EQ(refusal(GetParam().file), GetParam().reason);
}

INSTANTIATE_TEST_SUITE_P(
    Content, ImportRefusal,
    ::testing::Values(
        Refused{"", "not an image: an empty file"},                             //
        Refused{"8BPS\0\1"s, "unsupported: PSD"},                               //
        Refused{"\0\0\0\x20"s + "ftypavif", "unsupported: AVIF"},               //
        Refused{"\0\0\0\x18"s + "ftypheic", "unsupported: HEIC"},               //
        Refused{"\0\0\0\x18"s + "ftypmp42", "not an image: MP4 video"},         //
        Refused{"RIFF\4\0\0\0WAVE"s, "not an image: RIFF"},                     //
        Refused{"P6 3 3 255 abc", "unsupported: Netpbm"},                       //
        Refused{"\n <!DOCTYPE html>\n<html>404</html>", "not an image: HTML"},  //
        Refused{"<svg width='3'/>", "unsupported: SVG"},                        //
        Refused{R"({"error": 404})", "not an image: JSON"},                     //
        Refused{"version https://git-lfs.github.com/spec/v1", "not an image: a Git LFS pointer"},
        Refused{"hello", "not an image: text"},
        Refused{"\x01\x02\x03\x04\x05"s, "not an image: unknown content that begins with 01 02 03 04"}));

TEST(ImportContainers, AreNotToldByASignatureCutShort) {
  EXPECT_EQ(refusal("\x89PNG\r\n"s), "not an image: unknown content that begins with 89 50 4e 47");
  EXPECT_EQ(refusal("\xFF\xD8"s), "not an image: unknown content that begins with ff d8");
}

}  // namespace
}  // namespace ft::testing
