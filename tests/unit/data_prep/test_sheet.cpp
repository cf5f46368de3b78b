// Contact sheets: where things stand, which samples stand there, and that their pixels are the decoder's, the
// resize's and the training transform's.
#include <algorithm>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ft/base/error.h"
#include "ft/data/augment.h"
#include "ft/data/packed_set.h"
#include "ft/data/transform.h"

#include "contact_sheet.h"
#include "packing_support.h"
#include "patterned_image.h"
#include "set_sheet.h"
#include "sheet_samples.h"
#include "tiny_packed_set.h"

namespace ft::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int kCell = 32;

RgbImage resized(const RgbImage& image, int width, int height) {
  Resizer resizer;
  RgbImage out;
  resize_bilinear(image, {0, 0, image.width(), image.height()}, width, height, resizer, out);
  return out;
}

// Whether the sheet has exactly this picture at (left, top).
bool stands_at(const RgbImage& sheet, const RgbImage& picture, int left, int top) {
  for (int y = 0; y < picture.height(); ++y) {
    const auto row = sheet.row(top + y).subspan(static_cast<std::size_t>(left) * 3, picture.stride());
    if (!std::ranges::equal(row, picture.row(y))) return false;
  }
  return true;
}

// Whether the square holds the picture, shrunk or grown to fit, in its middle.
bool square_holds(const RgbImage& sheet, const Box& square, const RgbImage& picture) {
  const Size size = fitted_size(picture.width(), picture.height(), square.width);
  return stands_at(sheet, resized(picture, size.width, size.height),
                   square.left + (square.width - size.width) / 2,
                   square.top + (square.height - size.height) / 2);
}

bool has_ink(const RgbImage& sheet, int top, int bottom) {
  for (int y = top; y < bottom; ++y) {
    if (std::ranges::any_of(sheet.row(y), [](std::uint8_t value) { return value < 128; })) return true;
  }
  return false;
}

std::string refusal(const auto& call) {
  return message_of<UsageError>(call);
}

TEST(FittedSize, KeepsTheShapeAndTouchesTheSquare) {
  EXPECT_EQ(fitted_size(200, 100, 32), (Size{32, 16}));
  EXPECT_EQ(fitted_size(100, 200, 32), (Size{16, 32}));
  EXPECT_EQ(fitted_size(7, 7, 32), (Size{32, 32}));
}

TEST(FittedSize, NoSideVanishes) {
  EXPECT_EQ(fitted_size(1, 5000, 32), (Size{1, 32}));
  EXPECT_EQ(fitted_size(5000, 1, 32), (Size{32, 1}));
}

TEST(PrintableAscii, OneMarkForACharacterThatTheFontLacks) {
  EXPECT_EQ(printable_ascii("bees"), "bees");
  EXPECT_EQ(printable_ascii("b\xC3\xA9"
                            "b\xE2\x82\xAC!\n"),
            "b?b?!?");
}

TEST(ContactSheet, LaysSquaresOutBelowTheTextAndInsideTheMargins) {
  const ContactSheet sheet({.caption = {"caption"}, .columns = {}, .rows = {"a", "b"}}, 8, 128);
  const int first = ContactSheet::kMargin + 2 * ContactSheet::kLine + ContactSheet::kCaptionGap;
  EXPECT_EQ(sheet.square(0, 0), (Box{ContactSheet::kMargin, first, 128, 128}));
  EXPECT_EQ(sheet.square(0, 7).left + 128 + ContactSheet::kMargin, sheet.image().width());
  EXPECT_EQ(sheet.square(1, 0).top, first + 128 + ContactSheet::kRowGap + ContactSheet::kLine);
  EXPECT_EQ(sheet.square(1, 0).top + 128 + ContactSheet::kMargin, sheet.image().height());
}

TEST(ContactSheet, WritesEveryTextInItsOwnLine) {
  const ContactSheet sheet({.caption = {"caption"}, .columns = {"x", "y"}, .rows = {"label"}}, 2, kCell);
  for (int line = 0; line < 3; ++line) {
    const int top =
        ContactSheet::kMargin + line * ContactSheet::kLine + (line > 0 ? ContactSheet::kCaptionGap : 0);
    EXPECT_TRUE(has_ink(sheet.image(), top, top + ContactSheet::kLine)) << "line " << line;
  }
  EXPECT_FALSE(has_ink(sheet.image(), 0, ContactSheet::kMargin));
}

TEST(ContactSheet, CutsWhatIsTooLongForTheSheet) {
  const ContactSheet sheet({.caption = {std::string(500, 'W')}, .columns = {}, .rows = {}}, 1, kCell);
  EXPECT_EQ(sheet.image().width(), ContactSheet::kLeastWidth);
  for (int y = 0; y < sheet.image().height(); ++y) {
    const auto margin = sheet.image().row(y).last(std::size_t{3} * ContactSheet::kMargin);
    EXPECT_TRUE(std::ranges::all_of(margin, [](std::uint8_t value) { return value == 255; }));
  }
}

TEST(ContactSheet, TakesPicturesOfAnyShape) {
  ContactSheet sheet({.caption = {}, .columns = {}, .rows = {"shapes"}}, 4, kCell);
  const std::vector<RgbImage> pictures{patterned_image(1, 300), patterned_image(300, 1),
                                       patterned_image(1, 1), patterned_image(kCell, kCell)};
  for (int i = 0; i < 4; ++i) sheet.place(0, i, pictures[static_cast<std::size_t>(i)]);
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(square_holds(sheet.image(), sheet.square(0, i), pictures[static_cast<std::size_t>(i)])) << i;
  }
}

TEST(ContactSheet, RefusesWhatNobodyCouldOpen) {
  EXPECT_THAT(refusal([] { ContactSheet({.caption = {}, .columns = {}, .rows = {"a"}}, 1000, 2048); }),
              HasSubstr("pixels"));
}

// Labels alternate: even ids are of class "no", odd ones of "yes".
class SheetOfASet : public ::testing::Test {
 protected:
  static constexpr std::uint64_t kSamples = 23;
  static RgbImage picture(std::uint64_t id) {
    return patterned_image(20 + 7 * static_cast<int>(id), 60 - 2 * static_cast<int>(id));
  }
  SheetOfASet() {
    TinyPackedSet samples;
    for (std::uint64_t id = 0; id < kSamples; ++id) samples.add_raw(picture(id), static_cast<int>(id % 2));
    samples.write(tmp_.path());
  }

  TemporaryDirectory tmp_;
};

TEST_F(SheetOfASet, TakesTheFirstOfOneClassAndTheLastOfTheOther) {
  const PackedSet set(tmp_.path());
  const SheetSamples chosen = choose_sheet_samples(set, {}, 8);
  ASSERT_EQ(chosen.classes.size(), 2U);
  EXPECT_THAT(chosen.classes[0].ids, ElementsAre(0, 2, 4, 6, 8, 10, 12, 14));
  EXPECT_THAT(chosen.classes[1].ids, ElementsAre(21, 19, 17, 15, 13, 11, 9, 7));
}

TEST_F(SheetOfASet, TakesTheClassesThatAreAskedForInThatOrder) {
  const PackedSet set(tmp_.path());
  const SheetSamples swapped = choose_sheet_samples(set, {"yes", "no"}, 2);
  EXPECT_THAT(swapped.classes[0].ids, ElementsAre(1, 3));
  EXPECT_THAT(swapped.classes[1].ids, ElementsAre(22, 20));
  const SheetSamples one = choose_sheet_samples(set, {"yes"}, 100);
  ASSERT_EQ(one.classes.size(), 1U);
  EXPECT_EQ(one.classes[0].ids.size(), 11U);
  EXPECT_THAT(refusal([&set] { static_cast<void>(choose_sheet_samples(set, {"yess"}, 8)); }),
              HasSubstr("'yess'"));
}

TEST_F(SheetOfASet, ShowsTheDecodedPictures) {
  const PackedSet set(tmp_.path());
  const RgbImage sheet = draw_set_sheet(set, {.classes = {}, .per_class = 3, .cell = kCell});
  const ContactSheet layout({.caption = {""}, .columns = {}, .rows = {"", ""}}, 3, kCell);
  ASSERT_EQ(sheet.width(), layout.image().width());
  ASSERT_EQ(sheet.height(), layout.image().height());
  for (int column = 0; column < 3; ++column) {
    const auto step = static_cast<std::uint64_t>(2 * column);
    EXPECT_TRUE(square_holds(sheet, layout.square(0, column), picture(step)));
    EXPECT_TRUE(square_holds(sheet, layout.square(1, column), picture(21 - step)));
  }
}

TEST_F(SheetOfASet, AugmentedShowsTheTrainingTransformOfEachEpoch) {
  constexpr int kSide = 24;
  const PackedSet set(tmp_.path());
  const RgbImage sheet = draw_augmented_sheet(
      set, {.classes = {}, .per_class = 1, .cell = 0, .epochs = 3, .seed = 9, .image_size = kSide});
  const ContactSheet layout({.caption = {"", ""}, .columns = {"", "", "", ""}, .rows = {"", ""}}, 4, kSide);
  const std::vector<std::uint64_t> ids{0, 21};
  Resizer resizer;
  RgbImage seen;
  for (int row = 0; row < 2; ++row) {
    const std::uint64_t id = ids[static_cast<std::size_t>(row)];
    const RgbImage stored = picture(id);
    EXPECT_TRUE(square_holds(sheet, layout.square(row, 0), stored));
    for (int epoch = 0; epoch < 3; ++epoch) {
      train_pixels(
          stored,
          draw_augmentation(9, static_cast<std::uint32_t>(epoch), id, stored.width(), stored.height()), kSide,
          resizer, seen);
      const Box square = layout.square(row, epoch + 1);
      EXPECT_TRUE(stands_at(sheet, seen, square.left, square.top))
          << "sample " << id << " epoch " << epoch + 1;
    }
  }
}

TEST_F(SheetOfASet, NamesADamagedSample) {
  TinyPackedSet samples;
  samples.add_raw(picture(0), 0);
  const std::string rubbish = "no JPEG";
  samples.add(Codec::kJpeg, 5, 3, 1, std::as_bytes(std::span(rubbish)));
  samples.write(tmp_.path());
  const PackedSet set(tmp_.path());
  EXPECT_THAT(message_of<DataError>([&set] { static_cast<void>(draw_set_sheet(set, {})); }),
              HasSubstr("sample 1 (shard-00000-of-00001.h5 row 1, class/1.bin)"));
}

}  // namespace
}  // namespace ft::testing
