// Expected pixels: Pillow 13.0.0, Image.resize(..., BILINEAR) of the patterned picture.
#include <algorithm>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ft/base/error.h"
#include "ft/data/resize.h"

#include "patterned_image.h"

namespace ft {
namespace {

using testing::ElementsAreArray;

struct Case {
  std::string name;
  int picture_width, picture_height;
  Box box;
  Size size;
  std::vector<std::uint8_t> pillow;
};

void PrintTo(const Case& test_case, std::ostream* out) {
  *out << test_case.name;
}

// clang-format off: a line is a row of pixels
std::vector<Case> cases() {
  return {
      {"Down",
       6,
       5,
       {0, 0, 6, 5},
       {3, 2},
       {102, 130, 143, 126, 131, 140, 115, 148, 140, 120, 136, 128, 139, 137, 136, 141, 148, 126}},
      {"UpInsideABox", 6, 5, {1, 1, 2, 1}, {4, 2}, {135, 188, 241, 146, 199, 188, 168, 221,
                                                    82,  179, 232, 29,  135, 188, 241, 146,
                                                    199, 188, 168, 221, 82,  179, 232, 29}},
      {"DownInsideABox",
       6,
       5,
       {1, 0, 4, 5},
       {2, 3},
       {107, 145, 151, 124, 130, 167, 131, 115, 135, 126, 131, 151, 154, 144, 119, 147, 133, 139}},
      {"ColumnsFirst",
       4,
       9,
       {0, 0, 4, 9},
       {3, 2},
       {104, 139, 127, 124, 130, 138, 131, 136, 127, 119, 127, 135, 123, 131, 137, 122, 137, 127}},
      {"ColumnsOnly", 4, 3, {0, 0, 4, 3}, {4, 2}, {34,  87,  140, 74,  127, 180, 113, 166,
                                                   123, 153, 110, 163, 148, 201, 94,  196,
                                                   89,  142, 85,  138, 95,  133, 90,  143}},
      {"RowsOnly", 4, 2, {0, 0, 4, 2}, {2, 2}, {26, 79, 132, 85, 138, 191, 122, 175, 192, 192, 135, 78}},
      {"OnePixel", 1, 1, {0, 0, 1, 1}, {2, 2}, {0, 53, 106, 0, 53, 106, 0, 53, 106, 0, 53, 106}},
  };
}
// clang-format on

void resize_window(const RgbImage& image, const ResizePlan& plan, Resizer& resizer, RgbImage& out) {
  out.resize(plan.window.width, plan.window.height);
  resizer.prepare(plan);
  resizer.begin(view_of(image));
  resizer.rows(0, plan.window.height, out.pixels().data());
}

class ResizeLikePillow : public testing::TestWithParam<Case> {};

TEST_P(ResizeLikePillow, ToTheGreyLevel) {
  const Case& c = GetParam();
  Resizer resizer;
  RgbImage out;
  resize_bilinear(patterned_image(c.picture_width, c.picture_height), c.box, c.size.width, c.size.height,
                  resizer, out);
  EXPECT_EQ(out.width(), c.size.width);
  EXPECT_EQ(out.height(), c.size.height);
  EXPECT_THAT(out.pixels(), ElementsAreArray(c.pillow));
}

INSTANTIATE_TEST_SUITE_P(Data, ResizeLikePillow, testing::ValuesIn(cases()),
                         [](const auto& test) { return test.param.name; });

TEST(Resize, SameSizeCopiesTheBox) {
  const RgbImage image = patterned_image(9, 7);
  Resizer resizer;
  RgbImage out;
  resize_bilinear(image, {2, 3, 5, 4}, 5, 4, resizer, out);
  for (int y = 0; y < 4; ++y) {
    EXPECT_THAT(out.row(y), ElementsAreArray(image.row(y + 3).subspan(2 * 3, 5 * 3))) << "row " << y;
  }
}

// Both orders of the passes, one pass, and none.
TEST(Resize, AWindowIsThatPartOfTheWhole) {
  const RgbImage image = patterned_image(23, 41);
  const Box box{1, 2, 20, 38};
  Resizer resizer;
  RgbImage whole;
  RgbImage part;
  for (const Size size :
       {Size{10, 12}, Size{50, 60}, Size{10, 60}, Size{20, 12}, Size{10, 38}, Size{20, 38}}) {
    const Box window{3, 5, 6, 7};
    resize_bilinear(image, box, size.width, size.height, resizer, whole);
    resize_window(image, {box, size, window}, resizer, part);
    for (int y = 0; y < window.height; ++y) {
      EXPECT_THAT(part.row(y), ElementsAreArray(whole.row(window.top + y).subspan(3 * 3, 6 * 3)))
          << size.width << "x" << size.height << " row " << y;
    }
  }
}

// What prepare() says is needed is enough, and is not the whole picture.
TEST(Resize, ReadsOnlyWhatItSaysItNeeds) {
  const RgbImage image = patterned_image(61, 47);
  const ResizePlan plan{{5, 3, 50, 40}, {20, 30}, {6, 7, 8, 9}};
  Resizer resizer;
  RgbImage whole;
  resize_window(image, plan, resizer, whole);
  const Box needed = resizer.prepare(plan);
  EXPECT_LT(needed.width, 30);
  EXPECT_LT(needed.height, 20);
  RgbImage part(needed.width, needed.height);
  for (int y = 0; y < needed.height; ++y) {
    std::ranges::copy(
        image.row(needed.top + y).subspan(static_cast<std::size_t>(needed.left) * 3, part.stride()),
        part.row(y).begin());
  }
  RgbImage out(8, 9);
  resizer.begin({part.pixels().data(), part.stride(), needed});
  resizer.rows(0, 4, out.row(0).data());
  resizer.rows(4, 5, out.row(4).data());
  EXPECT_THAT(out.pixels(), ElementsAreArray(whole.pixels()));
  EXPECT_THROW(resizer.begin({part.pixels().data(), part.stride(), {0, 0, needed.width, needed.height}}),
               Error);
}

TEST(Resize, AFlatPictureStaysFlat) {
  RgbImage image(301, 5);
  for (std::uint8_t& value : image.pixels()) value = 255;
  Resizer resizer;
  RgbImage out;
  resize_bilinear(image, {0, 0, 301, 5}, 2, 11, resizer, out);
  EXPECT_THAT(out.pixels(), testing::Each(255));
}

TEST(Resize, RefusesABoxOutsideThePicture) {
  const RgbImage image = patterned_image(4, 4);
  Resizer resizer;
  RgbImage out;
  for (const Box box : {Box{1, 0, 4, 4}, Box{0, -1, 4, 4}, Box{0, 0, 0, 4}, Box{0, 1, 4, 4}}) {
    EXPECT_THROW(resize_bilinear(image, box, 2, 2, resizer, out), Error);
  }
}

TEST(Image, RefusesImpossibleSizesBeforeAllocating) {
  RgbImage image;
  EXPECT_THROW(image.resize(0, 5), DataError);
  EXPECT_THROW(image.resize(5, -1), DataError);
  EXPECT_THROW(image.resize(2'000'000'000, 2'000'000'000), DataError);
}

}  // namespace
}  // namespace ft
