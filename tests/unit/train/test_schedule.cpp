#include <gtest/gtest.h>

#include "ft/train/micro_batches.h"
#include "ft/train/schedule.h"

namespace ft {
namespace {

constexpr ScheduleSpan kSpan{.steps_per_epoch = 10, .total_steps = 50};

OptimizerConfig with(ScheduleKind kind) {
  OptimizerConfig config;
  config.lr = 1;
  config.schedule = kind;
  return config;
}

TEST(Schedule, ConstantIsConstant) {
  const OptimizerConfig config = with(ScheduleKind::kConstant);
  EXPECT_EQ(learning_rate(config, kSpan, 1), 1);
  EXPECT_EQ(learning_rate(config, kSpan, 50), 1);
}

TEST(Schedule, WarmUpRisesLinearlyToTheFullRate) {
  OptimizerConfig config = with(ScheduleKind::kConstant);
  config.warmup_steps = 4;
  EXPECT_DOUBLE_EQ(learning_rate(config, kSpan, 1), 0.25);
  EXPECT_DOUBLE_EQ(learning_rate(config, kSpan, 3), 0.75);
  EXPECT_DOUBLE_EQ(learning_rate(config, kSpan, 4), 1);
  EXPECT_DOUBLE_EQ(learning_rate(config, kSpan, 5), 1);
}

TEST(Schedule, CosineStartsAtTheRateAndNearsZero) {
  OptimizerConfig config = with(ScheduleKind::kCosine);
  EXPECT_DOUBLE_EQ(learning_rate(config, kSpan, 1), 1);
  EXPECT_NEAR(learning_rate(config, kSpan, 26), 0.5, 1e-12);
  EXPECT_GT(learning_rate(config, kSpan, 50), 0);
  EXPECT_LT(learning_rate(config, kSpan, 50), 0.001);
  for (std::uint64_t step = 2; step <= 50; ++step) {
    EXPECT_LT(learning_rate(config, kSpan, step), learning_rate(config, kSpan, step - 1)) << step;
  }
  config.warmup_steps = 10;
  EXPECT_DOUBLE_EQ(learning_rate(config, kSpan, 11), 1) << "the cosine begins where warm-up ends";
}

TEST(Schedule, StepsFallAtTheStartOfTheirEpochs) {
  OptimizerConfig config = with(ScheduleKind::kStep);
  config.step_epochs = {2, 4};
  EXPECT_DOUBLE_EQ(learning_rate(config, kSpan, 20), 1) << "the last step of epoch 1";
  EXPECT_DOUBLE_EQ(learning_rate(config, kSpan, 21), 0.1);
  EXPECT_DOUBLE_EQ(learning_rate(config, kSpan, 40), 0.1);
  EXPECT_NEAR(learning_rate(config, kSpan, 41), 0.01, 1e-15);
}

// The parts of all ranks, in order, are the global batch.
TEST(MicroBatches, PartsTileTheBatchForEveryWorld) {
  for (const int world : {1, 2, 3, 4, 8}) {
    for (const int accumulate : {1, 2, 3}) {
      for (const std::uint64_t n : {1, 5, 16, 17}) {
        std::uint64_t next = 0, largest = 0;
        for (int rank = 0; rank < world; ++rank) {
          for (int micro = 0; micro < accumulate; ++micro) {
            const MicroBatchCut cut{rank, world, accumulate};
            const Share part = cut.part(n, micro);
            EXPECT_EQ(part.first, next);
            next += part.count;
            largest = std::max(largest, part.count);
          }
        }
        EXPECT_EQ(next, n);
        EXPECT_EQ((MicroBatchCut{0, world, accumulate}.largest(n)), largest);
      }
    }
  }
}

// Where parts are normalised over all ranks, a part must not depend on how many there are.
TEST(MicroBatches, PartsCutFirstAreTheSameImagesForEveryWorld) {
  for (const int world : {1, 2, 3, 4, 8}) {
    for (const std::uint64_t n : {1, 5, 16, 17}) {
      std::uint64_t next = 0;
      for (int micro = 0; micro < 3; ++micro) {
        const Share whole = MicroBatchCut{0, 1, 3, 0, true}.part(n, micro);
        EXPECT_EQ(whole.first, next);
        for (int rank = 0; rank < world; ++rank) {
          const Share part = MicroBatchCut{rank, world, 3, 0, true}.part(n, micro);
          EXPECT_EQ(part.first, next);
          EXPECT_LE(part.count, (MicroBatchCut{rank, world, 3, 0, true}.largest(n)));
          next += part.count;
        }
        EXPECT_EQ(next, whole.first + whole.count);
      }
      EXPECT_EQ(next, n);
    }
  }
}

TEST(MicroBatches, ASourceGivesAccumulateRequestsAStepAndThenEnds) {
  const StepPlan plan(10, {}, 4, 7);
  Loader::Source source = micro_batch_source(plan, {1, 2, 2}, 2, 3);
  std::vector<std::size_t> sizes;
  for (BatchRequest request; source(request);) sizes.push_back(request.sample_ids.size());
  // Step 2 has 4 images, 2 of them rank 1's, one a part; step 3 has 2, one of them rank 1's.
  EXPECT_EQ(sizes, (std::vector<std::size_t>{1, 1, 1, 0}));
}

}  // namespace
}  // namespace ft
