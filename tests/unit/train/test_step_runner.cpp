#include <cmath>
#include <deque>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ft/comm/backends.h"
#include "ft/train/gradient_sum.h"
#include "ft/train/step_runner.h"

namespace ft {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::int64_t kSide = 33;  // the last map has more than one pixel

// Batches of two images; what is asked of it and of the gradients' sum, in order.
class ScriptedFeed final : public BatchFeed {
 public:
  explicit ScriptedFeed(std::vector<std::string>& log) : log_(&log) {}

  [[nodiscard]] std::optional<FedBatch> next() override {
    log_->emplace_back("next");
    torch::manual_seed(made_);
    FedBatch batch{torch::randn({2, 3, kSide, kSide}), torch::tensor({0, 1}), {10 * made_, 10 * made_ + 1}};
    if (made_ == poisoned) batch.images[1].fill_(std::numeric_limits<float>::quiet_NaN());
    ++made_;
    return batch;
  }
  void prefetch() noexcept override { log_->emplace_back("prefetch"); }

  std::uint64_t poisoned = 1000;

 private:
  std::vector<std::string>* log_;
  std::uint64_t made_ = 0;
};

class ScriptedSum final : public GradientSum {
 public:
  explicit ScriptedSum(std::vector<std::string>& log) : log_(&log) {}
  void register_with(Communicator& /*communicator*/) override {}
  void arm() override { log_->emplace_back("arm"); }
  CommunicationCost finish() override {
    log_->emplace_back("finish");
    CommunicationCost cost;
    cost.device_s = 1000;
    return cost;
  }

 private:
  std::vector<std::string>* log_;
};

class StepRunnerTest : public testing::Test {
 protected:
  StepRunnerTest() {
    torch::manual_seed(0);
    model = make_resnet("resnet18", 2);
    config.data.image_size = kSide;
    config.train.batch_size = 6;
    config.train.accumulate = 3;
    config.model.batch_norm = BatchNormMode::kFrozen;
  }
  [[nodiscard]] StepShare run() {
    StepRunner runner(model, sum, config, context);
    StepShare share = runner.run(feed, 6);
    runner.take_times(share);
    return share;
  }

  std::unique_ptr<Communicator> host = make_single_communicator();
  Config config;
  RankContext context{.host = host.get(), .gradients = host.get(), .places = {}, .threads = {}, .log = {}};
  ResNet model = nullptr;
  std::vector<std::string> log;
  ScriptedFeed feed{log};
  ScriptedSum sum{log};
};

// The next batch is on its way before anything is waited for.
TEST_F(StepRunnerTest, ArmsTheLastBackwardAndPrefetchesAfterEach) {
  const StepShare share = run();
  EXPECT_TRUE(share.good());
  EXPECT_EQ(share.count, 6U);
  EXPECT_GT(share.loss_sum, 0);
  EXPECT_THAT(log, ElementsAre("next", "prefetch", "next", "prefetch", "next", "arm", "prefetch", "finish"));
}

TEST_F(StepRunnerTest, NamesTheSamplesOfTheFirstLossThatIsNotFiniteAndTakesPartInTheSums) {
  feed.poisoned = 1;
  const StepShare share = run();
  EXPECT_THAT(share.not_finite, HasSubstr("loss nan; samples 11"));
  EXPECT_FALSE(std::isfinite(share.loss_sum));
  EXPECT_EQ(share.count, 6U);
  EXPECT_EQ(log.back(), "finish");
}

TEST_F(StepRunnerTest, CountsWhatTheDeviceHidBehindBackward) {
  const StepShare share = run();
  EXPECT_GT(share.times.compute_s, 0);
  EXPECT_LT(share.times.sums_s, share.times.compute_s);
  EXPECT_EQ(share.gradients.exposed_s, share.times.sums_s);
  EXPECT_EQ(share.gradients.hidden_s, 1000 - share.times.sums_s);
}

}  // namespace
}  // namespace ft
