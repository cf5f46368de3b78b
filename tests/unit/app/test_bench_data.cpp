// `ft_dist bench data` without its command line: that it counts what it says it counts, that its yardstick
// reads the same bytes, and what it concludes.
#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data_report.h"
#include "loader_rates.h"
#include "patterned_image.h"
#include "payload_places.h"
#include "temporary_directory.h"
#include "tiny_packed_set.h"

namespace ft::app {
namespace {

using testing::AllOf;
using testing::Each;
using testing::Gt;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

class BenchData : public testing::Test {
 protected:
  static constexpr std::uint64_t kSamples = 23;

  BenchData() {
    TinyPackedSet samples;
    for (int i = 0; i < static_cast<int>(kSamples); ++i) samples.add_raw(patterned_image(20 + i, 30), i % 2);
    samples.write(tmp_.path());
  }

  static LoaderOptions small_options(int workers) {
    LoaderOptions options;
    options.workers = workers;
    options.max_batch = 5;
    options.transform.image_size = 16;
    return options;
  }

  TemporaryDirectory tmp_;
};

TEST_F(BenchData, GoesOverTheSetAsOftenAsAsked) {
  const PackedSet set(tmp_.path());
  const LoaderRate rate = measure_loader(set, small_options(2), {.seconds = 0, .epochs = 3});
  EXPECT_EQ(rate.threads, 2);
  EXPECT_GE(rate.spent.images, 3 * kSamples);
  EXPECT_LT(rate.spent.images, 3 * kSamples + 5);  // whole batches
  EXPECT_GT(rate.spent.wall_s, 0);
  EXPECT_GT(rate.spent.cpu_s, 0);
  EXPECT_GT(rate.stages.samples, 0U);
}

TEST_F(BenchData, TakesABatchThatIsLargerThanTheSet) {
  const PackedSet set(tmp_.path());
  LoaderOptions options = small_options(1);
  options.max_batch = 1000;
  EXPECT_EQ(measure_loader(set, options, {.seconds = 0, .epochs = 2}).spent.images, 2 * kSamples);
}

TEST_F(BenchData, StopsWhenTheTimeIsOver) {
  const PackedSet set(tmp_.path());
  const LoaderRate rate = measure_loader(set, small_options(1), {.seconds = 0.05, .epochs = 0});
  EXPECT_GE(rate.spent.wall_s, 0.05);
  EXPECT_LT(rate.spent.wall_s, 30);
}

TEST_F(BenchData, TheYardstickReadsTheBytesThatTheSetReads) {
  const PackedSet set(tmp_.path());
  const PayloadPlaces places(set);
  std::vector<std::byte> ours;
  for (std::uint64_t id = 0; id < kSamples; ++id) {
    const PayloadPlace place = places.of(id);
    std::vector<std::byte> plain(place.bytes);
    places.read(place, plain);
    EXPECT_TRUE(std::ranges::equal(plain, set.read(id, ours))) << id;
  }
}

TEST_F(BenchData, ReadingIsMeasuredInEveryRoundByEachWay) {
  const PackedSet set(tmp_.path());
  const ReadRates rates = measure_reading(set, 0, 5);
  EXPECT_EQ(rates.images, 5 * kSamples);
  for (const auto* seconds : {&rates.pread_s, &rates.pread_hash_s, &rates.set_s}) {
    EXPECT_THAT(*seconds, AllOf(SizeIs(5), Each(Gt(0.0))));
  }
}

TEST(MedianRatio, IsThatOfThePairs) {
  EXPECT_DOUBLE_EQ(median_ratio({2, 30, 4}, {1, 10, 4}), 2);
}

TEST(Bottleneck, IsTheSlowerOfTheTwo) {
  EXPECT_THAT(bottleneck_text(812, 2, 2300, "ft_pack pack --restart-index, or --encoding raw --max-side 256"),
              AllOf(HasSubstr("data    [##########------------------]     812 images/s"),
                    HasSubstr("model   [############################]    2300 images/s"),
                    HasSubstr("data is the bottleneck: 2.8x the cores")));
  EXPECT_THAT(
      bottleneck_text(800, 8, 300, ""),
      AllOf(HasSubstr("the model is the bottleneck: data comes 2.7x"), HasSubstr("3 of 8 threads would do")));
}

TEST(Bottleneck, IsNotNamedWithoutTheModelsRate) {
  EXPECT_THAT(bottleneck_text(812, 2, 0, ""),
              AllOf(HasSubstr("2 threads feed a model of up to 812 images/s"), Not(HasSubstr("bottleneck"))));
}

}  // namespace
}  // namespace ft::app
