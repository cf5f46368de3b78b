#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ft/train/image_shares.h"

namespace ft {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::uint64_t kManySamples = 1'000;

Config config_of(int batch_size, int image_size = 224) {
  Config config;
  config.train.batch_size = batch_size;
  config.data.image_size = image_size;
  return config;
}

TEST(ImageShares, OneImageHasNoVarianceWhereTheLastMapIsOnePixel) {
  EXPECT_FALSE(have_own_statistics(1, 32));
  EXPECT_TRUE(have_own_statistics(1, 33));
  EXPECT_TRUE(have_own_statistics(2, 32));
  EXPECT_FALSE(have_own_statistics(0, 224));
}

TEST(ImageShares, ABatchForAllNeedsNoWarning) {
  EXPECT_EQ(ranks_with_images(config_of(8), kManySamples, 8), 8);
  EXPECT_EQ(ranks_with_statistics(config_of(8), kManySamples, 8), 8);
  EXPECT_THAT(share_warnings(config_of(8), kManySamples, 8), IsEmpty());
}

TEST(ImageShares, ASmallBatchLeavesTheLastRanksWithoutImages) {
  EXPECT_EQ(ranks_with_images(config_of(2), kManySamples, 4), 2);
  EXPECT_EQ(ranks_with_statistics(config_of(2), kManySamples, 4), 2);
  EXPECT_THAT(share_warnings(config_of(2), kManySamples, 4),
              ElementsAre("2 of 4 ranks get no images in any step: train.batch_size is 2 (raise it, or start "
                          "fewer ranks)"));
}

TEST(ImageShares, FewSamplesDoSoToo) {
  EXPECT_EQ(ranks_with_images(config_of(8), 3, 4), 3);
  EXPECT_THAT(share_warnings(config_of(8), 3, 4),
              ElementsAre("1 of 4 ranks get no images in any step: there are 3 training samples (start fewer "
                          "ranks)"));
}

TEST(ImageShares, WhereEachPartIsSharedOutTheyAreSmaller) {
  Config config = config_of(8);
  config.train.accumulate = 4;
  EXPECT_EQ(ranks_with_images(config, kManySamples, 4), 4);
  config.model.batch_norm = BatchNormMode::kSync;
  EXPECT_EQ(ranks_with_images(config, kManySamples, 4), 2);
  EXPECT_EQ(ranks_with_statistics(config, kManySamples, 4), 4) << "all ranks' are the same";
  EXPECT_THAT(share_warnings(config, kManySamples, 4),
              ElementsAre(HasSubstr("train.batch_size 8 is cut into 4 parts")));
}

TEST(ImageShares, FixedPartsAreDealtOutInRanges) {
  Config config = config_of(8);
  config.dist.elastic = 8;
  EXPECT_EQ(ranks_with_images(config, kManySamples, 3), 3);
  // Three parts of one image, and of three ranks' ranges the first holds all of them.
  EXPECT_EQ(ranks_with_images(config, 3, 3), 1);
  EXPECT_EQ(ranks_with_statistics(config, 3, 3), 3);
}

TEST(ImageShares, ARankWithOneSmallImageAStepLearnsNoStatistics) {
  EXPECT_EQ(ranks_with_statistics(config_of(3, 33), kManySamples, 2), 2);
  EXPECT_EQ(ranks_with_statistics(config_of(3, 32), kManySamples, 2), 1);
  EXPECT_THAT(share_warnings(config_of(3, 32), kManySamples, 2),
              ElementsAre(HasSubstr("such shares are normalised by running statistics")));
}

TEST(ImageShares, ALastBatchOfOneImageIsSaid) {
  EXPECT_THAT(share_warnings(config_of(8, 32), 17, 1),
              ElementsAre(HasSubstr("a share of one image at 32 px")));
  EXPECT_THAT(share_warnings(config_of(8, 32), 18, 1), IsEmpty());
}

TEST(ImageShares, SmallImagesAllByThemselvesTeachNothing) {
  const auto said = AllOf(HasSubstr("every share is one image"), HasSubstr("never change"));
  EXPECT_THAT(share_warnings(config_of(4, 32), 100, 4), ElementsAre(said));
  EXPECT_EQ(ranks_with_statistics(config_of(4, 32), 100, 4), 4) << "all are as at the start";
  Config config = config_of(8, 32);
  config.dist.elastic = 8;
  EXPECT_THAT(share_warnings(config, kManySamples, 3), ElementsAre(said));
  config.model.batch_norm = BatchNormMode::kFrozen;
  EXPECT_THAT(share_warnings(config, kManySamples, 3), IsEmpty());
}

// Over all ranks' images there is a variance.
TEST(ImageShares, BatchNormOverAllRanksHasMoreThanOneImage) {
  Config config = config_of(4, 32);
  config.model.batch_norm = BatchNormMode::kSync;
  EXPECT_THAT(share_warnings(config, kManySamples, 4), IsEmpty());
  config.train.accumulate = 4;
  EXPECT_THAT(share_warnings(config, kManySamples, 1), ElementsAre(HasSubstr("every share is one image")));
}

}  // namespace
}  // namespace ft
