#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ft/base/error.h"
#include "ft/comm/backends.h"
#include "ft/comm/fixed_point.h"
#include "ft/model/freeze.h"
#include "ft/train/elastic_reducer.h"
#include "ft/train/elastic_statistics.h"
#include "ft/train/micro_batches.h"

#include "fixed_point_tensors.h"

namespace ft {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;
constexpr int kParts = 4;

ResNet small_model() {
  torch::manual_seed(0);
  return make_resnet("resnet18", 2);
}

torch::Tensor part(int which) {
  torch::manual_seed(100 + which);
  return torch::randn({2, 3, 33, 33});
}

torch::Tensor sum_loss(ResNet& model, int which) {
  const auto options = torch::nn::functional::CrossEntropyFuncOptions().reduction(torch::kSum);
  return torch::nn::functional::cross_entropy(model->forward(part(which)), torch::tensor({0, 1}), options);
}

class ElasticTest : public testing::Test {
 protected:
  ResNet model_ = small_model();
  FlatParameters flat_{model_, kMiB, 4 * kMiB};
  std::unique_ptr<Communicator> alone_ = make_single_communicator();
  ElasticReducer reducer_{flat_, *alone_, kParts};
};

TEST_F(ElasticTest, GradientsAreWithinTheirBoundOfTheExactSum) {
  torch::Tensor exact = torch::zeros_like(flat_.gradients(), torch::kFloat64);
  {
    ResNet other = small_model();
    FlatParameters plain(other, kMiB, 4 * kMiB);
    for (int which = 0; which < kParts; ++which) {
      plain.gradients().zero_();
      sum_loss(other, which).backward();
      exact += plain.gradients().to(torch::kFloat64);
    }
  }
  for (int which = 0; which < kParts; ++which) {
    if (which == kParts - 1) reducer_.arm();
    sum_loss(model_, which).backward();
    EXPECT_EQ(flat_.gradients().abs().max().item<float>(), 0) << "a part's gradients make room for the next";
  }
  reducer_.finish();
  EXPECT_EQ(reducer_.trouble(), "");
  const torch::Tensor sums = reducer_.sums().to(torch::kFloat64) * 0x1p-40;
  EXPECT_LE((sums - exact).abs().max().item<double>(), kParts * 0x1p-41);
  EXPECT_TRUE(torch::equal(flat_.gradients(), sums.to(torch::kFloat32)));
  EXPECT_GT(flat_.gradients().abs().max().item<float>(), 0);
}

TEST_F(ElasticTest, TheOrderOfThePartsDoesNotMatter) {
  std::vector<torch::Tensor> results;
  for (const auto& order : {std::vector<int>{0, 1, 2, 3}, std::vector<int>{2, 0, 3, 1}}) {
    for (std::size_t i = 0; i < order.size(); ++i) {
      if (i + 1 == order.size()) reducer_.arm();
      sum_loss(model_, order[i]).backward();
    }
    reducer_.finish();
    results.push_back(flat_.gradients().clone());
    flat_.gradients().zero_();  // as the optimizer does
  }
  EXPECT_TRUE(torch::equal(results[0], results[1]));
}

TEST_F(ElasticTest, AStepWithoutImagesSendsZerosAndNotTheLastStepsSums) {
  reducer_.arm();
  sum_loss(model_, 0).backward();
  reducer_.finish();
  flat_.gradients().zero_();
  reducer_.finish();
  EXPECT_EQ(flat_.gradients().abs().max().item<float>(), 0);
  EXPECT_EQ(reducer_.sums().abs().max().item<std::int64_t>(), 0);
}

TEST_F(ElasticTest, AGradientThatCannotBeAddedNamesItsTensor) {
  (sum_loss(model_, 0) * 0 + model_->layer3[1]->as<BasicBlock>()->conv2->weight.sum() * 2e6).backward();
  EXPECT_EQ(
      reducer_.trouble(),
      "the gradient of layer3.1.conv2.weight holds 2e+06, beyond the 1048576 that dist.elastic can add");
}

TEST_F(ElasticTest, AGradientThatIsNoNumberNamesItsTensor) {
  (sum_loss(model_, 0) + model_->fc->bias.sum() * std::nan("")).backward();
  EXPECT_EQ(reducer_.trouble(), "the gradient of fc.bias holds nan");
}

TEST(FixedPointTensors, TorchsOperatorsGiveTheSameBits) {
  torch::manual_seed(3);
  const torch::Tensor values = torch::randn({70'001}) * torch::exp2(torch::randint(-45, 16, {70'001}));
  const float limit = fixed_point_limit(kParts);
  for (const float bad : {0.0F, std::nanf(""), 2 * limit}) {
    torch::Tensor here = values.clone(), there = values.clone();
    here[5].fill_(bad);
    there[5].fill_(bad);
    torch::Tensor sums = torch::arange(70'001), others = sums.clone();
    torch::Tensor beyond = torch::zeros({1}, torch::kBool), others_beyond = beyond.clone();
    for (const SumTerm term : {SumTerm::kNext, SumTerm::kFirst}) {
      add_to_sums(here, sums, beyond, limit, term);
      add_to_sums_by_operators(there, others, others_beyond, limit, term);
      EXPECT_TRUE(torch::equal(sums, others));
      EXPECT_TRUE(torch::equal(here.nan_to_num(), there.nan_to_num()));
      EXPECT_EQ(beyond.item<bool>(), bad != 0);
      EXPECT_EQ(others_beyond.item<bool>(), bad != 0);
    }
  }
}

TEST(ElasticStatistics, IsTheMeanOfWhatEachPartMakesOfTheSameStart) {
  ResNet model = small_model();
  model->train();
  const auto alone = make_single_communicator();
  const torch::Tensor start = model->layer2[0]->as<BasicBlock>()->bn1->running_var.clone();
  torch::Tensor expected = torch::zeros_like(start, torch::kFloat64);
  for (int which = 0; which < kParts; ++which) {
    ResNet other = small_model();
    other->train();
    (void)other->forward(part(which));
    expected += other->layer2[0]->as<BasicBlock>()->bn1->running_var.to(torch::kFloat64) / kParts;
  }
  ElasticStatistics statistics(model, *alone, kParts);
  statistics.begin_step();
  for (int which = 0; which < kParts; ++which) {
    statistics.begin_part();
    (void)model->forward(part(which));
    statistics.end_part();
  }
  statistics.start_sum();
  statistics.finish(kParts);
  const auto& norm = model->layer2[0]->as<BasicBlock>()->bn1;
  EXPECT_LT((norm->running_var - expected).abs().max().item<double>(), 1e-7);
  EXPECT_GT((norm->running_var - start).abs().max().item<double>(), 1e-3);
  EXPECT_EQ(norm->num_batches_tracked.item<std::int64_t>(), 1) << "a step is one batch";
  EXPECT_EQ(statistics.trouble(), "");
}

TEST(ElasticStatistics, AStepWithoutNormalisedPartsChangesNothing) {
  ResNet model = small_model();
  model->train();
  const auto alone = make_single_communicator();
  (void)model->forward(part(0));
  const torch::Tensor before = model->bn1->running_mean.clone();
  ElasticStatistics statistics(model, *alone, kParts);
  EXPECT_TRUE(torch::equal(model->bn1->running_mean, before)) << "flat storage keeps the values";
  statistics.begin_step();
  statistics.start_sum();
  statistics.finish(0);
  EXPECT_TRUE(torch::equal(model->bn1->running_mean, before));
  EXPECT_EQ(model->bn1->num_batches_tracked.item<std::int64_t>(), 1);
}

TEST(ElasticStatistics, FrozenOnesAreLeftAlone) {
  ResNet model = small_model();
  set_train_mode(model, {"layer1"}, BatchNormMode::kLocal);
  const auto alone = make_single_communicator();
  torch::Tensor frozen = model->layer1[0]->as<BasicBlock>()->bn1->running_mean;
  frozen.fill_(0x1p-60F);  // which fixed point would make zero
  ElasticStatistics statistics(model, *alone, kParts);
  statistics.begin_step();
  statistics.begin_part();
  (void)model->forward(part(0));
  statistics.end_part();
  statistics.start_sum();
  statistics.finish(1);
  EXPECT_EQ(frozen.min().item<float>(), 0x1p-60F);
  EXPECT_EQ(model->layer1[0]->as<BasicBlock>()->bn1->num_batches_tracked.item<std::int64_t>(), 0);
  EXPECT_EQ(model->bn1->num_batches_tracked.item<std::int64_t>(), 1);
}

TEST(ElasticStatistics, OneThatCannotBeAddedIsNamed) {
  ResNet model = small_model();
  model->train();
  const auto alone = make_single_communicator();
  ElasticStatistics statistics(model, *alone, kParts);
  statistics.begin_step();
  statistics.begin_part();
  model->layer4[1]->as<BasicBlock>()->bn2->running_var[7].fill_(1e9);
  statistics.end_part();
  EXPECT_EQ(statistics.trouble(),
            "layer4.1.bn2.running_var holds 1e+09, beyond the 1048576 that dist.elastic can add");
}

Config elastic(int parts) {
  Config config;
  config.dist.elastic = parts;
  return config;
}

// Whoever runs them, the parts are the same, and all of them are run, in order.
TEST(ElasticParts, AreTheSameForEveryWorld) {
  constexpr int kEight = 8;
  for (const std::uint64_t n : {3, 8, 20, 64, 65}) {
    for (int world = 1; world <= kEight; ++world) {
      std::uint64_t which = 0;
      for (int rank = 0; rank < world; ++rank) {
        const MicroBatchCut cut = micro_batch_cut(elastic(kEight), rank, world);
        for (int micro = 0; micro < cut.micro_batches(); ++micro, ++which) {
          const Share expected = share_of(n, static_cast<std::uint32_t>(which), kEight);
          EXPECT_EQ(cut.part(n, micro).first, expected.first);
          EXPECT_EQ(cut.part(n, micro).count, expected.count);
          EXPECT_LE(expected.count, cut.largest(n));
        }
      }
      EXPECT_EQ(which, 8U);
    }
  }
}

TEST(ElasticParts, MoreRanksThanPartsAreRefused) {
  EXPECT_EQ(micro_batch_cut(elastic(4), 3, 4).micro_batches(), 1);
  try {
    (void)micro_batch_cut(elastic(4), 0, 5);
    FAIL() << "accepted";
  } catch (const UsageError& error) {
    EXPECT_STREQ(error.what(), "5 ranks for the 4 parts of dist.elastic");
  }
}

TEST(ElasticParts, ASourceGivesEachRankItsPartsOfEachStep) {
  const StepPlan plan(10, {}, 6, 7);
  MicroBatchCut cut;
  cut.rank = 1;
  cut.world_size = 2;
  cut.elastic = 5;
  Loader::Source source = micro_batch_source(plan, cut, 1, 2);
  std::vector<std::size_t> sizes;
  for (BatchRequest request; source(request);) sizes.push_back(request.sample_ids.size());
  // Rank 0 has the first three parts. Step 1 is 6 images in parts of 2, 1, 1, 1, 1; step 2 is 4.
  EXPECT_EQ(sizes, (std::vector<std::size_t>{1, 1, 1, 0}));
}

}  // namespace
}  // namespace ft
