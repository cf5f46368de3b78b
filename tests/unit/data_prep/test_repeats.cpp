// Finding the same picture twice.
#include <algorithm>
#include <cmath>
#include <map>
#include <random>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "duplicates.h"
#include "near_hashes.h"
#include "pack_report.h"
#include "repeats.h"

namespace ft::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAreArray;

// A scene: a few soft lights at places that `seed` decides, drawn at any size.
RgbImage scene(int width, int height, unsigned seed, bool mirror = false, int noise = 0) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> unit(0, 1);
  struct Light {
    double x, y, width;
    std::array<double, 3> colour;
  };
  std::vector<Light> lights;
  for (int i = 0; i < 9; ++i) {
    lights.push_back(
        {unit(random), unit(random), 0.05 + 0.2 * unit(random), {unit(random), unit(random), unit(random)}});
  }
  RgbImage image(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const double u = (x + 0.5) / width;
      std::array<double, 3> sum{};
      for (const Light& light : lights) {
        const double dx = (mirror ? 1 - u : u) - light.x;
        const double dy = (y + 0.5) / height - light.y;
        const double glow = std::exp(-(dx * dx + dy * dy) / (light.width * light.width));
        for (std::size_t c = 0; c < 3; ++c) sum[c] += 110 * glow * light.colour[c];
      }
      for (std::size_t c = 0; c < 3; ++c) {
        const double value = sum[c] + (noise == 0 ? 0 : (unit(random) - 0.5) * 2 * noise);
        image.row(y)[3 * static_cast<std::size_t>(x) + c] =
            static_cast<std::uint8_t>(std::clamp(value, 0.0, 255.0));
      }
    }
  }
  return image;
}

// A set of these pictures, each file another.
class Pictures {
 public:
  explicit Pictures(std::uint64_t first_file = 1000) : next_file_(first_file) {}
  std::uint64_t add(const RgbImage& image, std::uint64_t file = 0) {
    const PictureLook look = look_at(image);
    looks_.add(file != 0 ? file : ++next_file_, look.pixels_xxh3, look.hash, look.telling);
    thumbnails_.push_back(look.thumbnail);
    return thumbnails_.size() - 1;
  }
  [[nodiscard]] const LooksOfSet& looks() {
    looks_.thumbnail = [this](std::uint64_t picture) { return thumbnails_.at(picture); };
    return looks_;
  }

 private:
  std::uint64_t next_file_;
  LooksOfSet looks_;
  std::vector<Thumbnail> thumbnails_;
};

bool never() {
  return false;
}

TEST(PictureLook, AnotherSizeNoiseAndMirrorKeepIt) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    const PictureLook original = look_at(scene(300, 200, seed));
    ASSERT_TRUE(original.telling);
    for (const RgbImage& copy :
         {scene(150, 100, seed), scene(301, 199, seed), scene(300, 200, seed, false, 12)}) {
      const PictureLook look = look_at(copy);
      EXPECT_LE(std::popcount(look.hash ^ original.hash), kNearBits) << seed;
      EXPECT_TRUE(look_alike(look.thumbnail, original.thumbnail)) << seed;
      EXPECT_NE(look.pixels_xxh3, original.pixels_xxh3);
    }
    const PictureLook mirror = look_at(scene(300, 200, seed, true));
    EXPECT_LE(std::popcount(mirrored(mirror.hash) ^ original.hash), kNearBits) << seed;
    EXPECT_TRUE(look_alike(mirrored(mirror.thumbnail), original.thumbnail)) << seed;
    EXPECT_FALSE(look_alike(look_at(scene(300, 200, seed + 1)).thumbnail, original.thumbnail)) << seed;
  }
}

TEST(PictureLook, SmallestAndBlank) {
  const RgbImage one(1, 1);
  EXPECT_FALSE(look_at(one).telling);
  EXPECT_NE(look_at(one).pixels_xxh3, 0U);
  EXPECT_EQ(look_at(RgbImage()).pixels_xxh3, 0U);
  RgbImage wide(6, 4);
  RgbImage tall(4, 6);  // the same bytes in another shape
  EXPECT_NE(look_at(wide).pixels_xxh3, look_at(tall).pixels_xxh3);
}

// Against a look at every pair; hashes in clusters, so that there is something to find.
TEST(NearHashes, FindsExactlyTheNear) {
  std::mt19937_64 random(1);
  std::vector<NearHashes::Member> members;
  for (std::uint32_t i = 0; i < 600; ++i) {
    std::uint64_t hash = i % 6 == 0 || members.empty() ? random() : members[i - i % 6].hash;
    for (unsigned flips = i % 11; flips > 0; --flips) hash ^= std::uint64_t{1} << (random() % 64);
    members.push_back({hash, i});
  }
  const NearHashes index(members);
  std::size_t found = 0;
  for (const NearHashes::Member& member : members) {
    std::vector<std::uint32_t> expected;
    for (const NearHashes::Member& other : members) {
      if (std::popcount(member.hash ^ other.hash) <= kNearBits) expected.push_back(other.picture);
    }
    std::vector<std::uint32_t> near;
    index.visit_near(member.hash, [&](int, std::span<const std::uint32_t> pictures) {
      near.insert(near.end(), pictures.begin(), pictures.end());
    });
    EXPECT_THAT(near, UnorderedElementsAreArray(expected));
    found += near.size();
  }
  EXPECT_GT(found, 2 * members.size());
}

// Of 64 bits, 40 are the same in all.
TEST(NearHashes, ManyNearlyEqualCostNotTheirSquare) {
  constexpr std::uint32_t kCount = 60'000;
  constexpr std::size_t kMostEach = 4 * 17 * NearHashes::kMostOfOneBand;
  std::mt19937_64 random(2);
  std::vector<NearHashes::Member> members;
  for (std::uint32_t i = 0; i < kCount; ++i) {
    members.push_back({0x5A5A5A5A5A000000 | (random() & 0xFFFFFF), i});
  }
  const NearHashes index(members);
  std::size_t looked_at = 0;
  std::size_t found_itself = 0;
  for (const NearHashes::Member& member : members) {
    const std::size_t each = index.visit_near(member.hash, [&](int, std::span<const std::uint32_t> pictures) {
      found_itself += static_cast<std::size_t>(std::ranges::count(pictures, member.picture));
    });
    ASSERT_LE(each, kMostEach);
    looked_at += each;
  }
  EXPECT_EQ(found_itself, kCount);
  EXPECT_LT(looked_at / kCount, 4000U);  // where all that share a band would be 120,000
}

TEST(Repeats, EachKindOnceWithItsFirst) {
  Pictures pictures;
  pictures.add(scene(200, 150, 1), 77);
  pictures.add(scene(200, 150, 2));
  pictures.add(scene(200, 150, 1), 77);  // 2: the same file
  pictures.add(scene(200, 150, 1));      // 3: the same pixels
  pictures.add(scene(100, 75, 2));       // 4: smaller
  pictures.add(scene(200, 150, 3));
  pictures.add(scene(200, 150, 3, true));                          // 6: mirrored
  for (int i = 0; i < 3; ++i) pictures.add(RgbImage(20 + i, 20));  // blank ones are not alike
  const std::vector<Repeat> repeats = find_repeats(pictures.looks(), 2, never);
  std::map<std::uint64_t, std::pair<std::uint64_t, Likeness>> found;
  for (const Repeat& repeat : repeats) found[repeat.picture] = {repeat.original, repeat.likeness};
  const std::map<std::uint64_t, std::pair<std::uint64_t, Likeness>> expected{{2, {0, Likeness::kSameFile}},
                                                                             {3, {0, Likeness::kSamePixels}},
                                                                             {4, {1, Likeness::kLooksAlike}},
                                                                             {6, {5, Likeness::kMirrored}}};
  EXPECT_EQ(found, expected);
}

TEST(Repeats, AStopIsHeard) {
  LooksOfSet looks;
  for (std::uint64_t i = 1; i <= 2000; ++i) looks.add(i, i, 0, false);
  int asked = 0;
  const auto stop = [&asked] { return ++asked == 5; };
  EXPECT_THROW(static_cast<void>(find_repeats(looks, 2, stop)), Interrupted);
  EXPECT_THROW(static_cast<void>(find_repeats(looks, looks, 2, [] { return true; })), Interrupted);
}

TEST(Repeats, AcrossTwoSetsAnyOriginalCounts) {
  Pictures train;
  Pictures test(2000);
  test.add(scene(120, 90, 5));
  for (unsigned seed = 10; seed < 20; ++seed) train.add(scene(120, 90, seed));
  train.add(scene(120, 90, 5, false, 4));
  const std::vector<Repeat> repeats = find_repeats(test.looks(), train.looks(), 1, never);
  ASSERT_EQ(repeats.size(), 1U);
  EXPECT_EQ(repeats[0].original, 10U);
  EXPECT_THAT(find_repeats(test.looks(), 1, never), IsEmpty());
}

TEST(Duplicates, TwoLabelsComeFirstAndAreSaid) {
  const std::vector<Repeat> repeats{{3, 1, Likeness::kSameFile}, {5, 2, Likeness::kMirrored}};
  const PictureNames names{.path = [](std::uint64_t i) { return fmt::format("p{}", i); },
                           .label = [](std::uint64_t i) { return i == 5 ? "dog" : "cat"; }};
  const Duplicates duplicates = name_repeats(repeats, names, names);
  EXPECT_EQ(duplicates.under_two_labels, 1U);
  EXPECT_EQ(duplicates.listed[0].picture, "p5");
  EXPECT_EQ(duplicates_text(duplicates),
            "2 pictures repeat an earlier one, 1 of them under another label:\n"
            "  p5  =  p2: looks the same in a mirror, labelled 'dog' here and 'cat' there\n"
            "  p3  =  p1: the same file\n");
  EXPECT_THAT(overlap_text(duplicates, "test", "train"),
              HasSubstr("warning: 2 pictures of test are in train too"));
  EXPECT_EQ(overlap_text({}, "test", "train"), "no picture of test is in train too\n");
  EXPECT_EQ(to_json(duplicates)["list"][0]["labels"][0], "dog");
}

TEST(Duplicates, TheListIsBounded) {
  std::vector<Repeat> repeats;
  for (std::uint64_t i = 1; i <= kMostListed + 500; ++i) repeats.push_back({i, 0, Likeness::kSameFile});
  const PictureNames names{.path = [](std::uint64_t i) { return std::to_string(i); },
                           .label = [](std::uint64_t i) { return i == kMostListed + 400 ? "dog" : "cat"; }};
  const Duplicates duplicates = name_repeats(repeats, names, names);
  EXPECT_EQ(duplicates.count, kMostListed + 500);
  EXPECT_EQ(duplicates.listed.size(), kMostListed);
  EXPECT_EQ(duplicates.listed[0].label, "dog");
  EXPECT_EQ(name_repeats(repeats, names, names, repeats.size()).listed.size(), kMostListed + 500);
}

TEST(Duplicates, TheReportSaysHowManyAreListed) {
  PackResult result;
  result.class_bytes = {1, 1};
  result.manifest.classes = {"cat", "dog"};
  result.manifest.counts = {1, 1};
  EXPECT_THAT(pack_report(result, "set", 1), Not(HasSubstr("manifest.json")));
  result.duplicates.count = kMostListed;
  result.duplicates.listed.resize(kMostListed);
  EXPECT_THAT(pack_report(result, "set", 1), HasSubstr("the whole list is in manifest.json\n"));
  result.duplicates.count = kMostListed + 1;
  EXPECT_THAT(pack_report(result, "set", 1),
              AllOf(HasSubstr("the first 1,000 are in manifest.json"), Not(HasSubstr("the whole list"))));
}

}  // namespace
}  // namespace ft::testing
