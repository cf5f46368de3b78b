#include <barrier>
#include <mutex>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ft/model/batch_norm.h"
#include "ft/model/resnet.h"

namespace {

using ft::BatchNorm;

constexpr std::int64_t kPlanes = 5;

// Threads that stand in for ranks: each gets the sum of what all bring.
class Ranks {
 public:
  explicit Ranks(int count) : brought_(static_cast<std::size_t>(count)), meeting_(count) {}

  ft::SumOverRanks sum_of(std::size_t rank) {
    return [this, rank](torch::Tensor& sums) {
      brought_[rank] = sums.clone();
      meeting_.arrive_and_wait();
      torch::Tensor total = torch::zeros_like(sums);
      for (const torch::Tensor& one : brought_) total += one;
      meeting_.arrive_and_wait();
      sums.copy_(total);
    };
  }

 private:
  std::vector<torch::Tensor> brought_;
  std::barrier<> meeting_;
};

struct Pass {
  torch::Tensor y, dx, dweight, dbias, mean, variance;
  std::int64_t tracked;
};

void set_affine(torch::nn::BatchNorm2dImpl& norm) {
  const torch::NoGradGuard no_grad;
  norm.weight.copy_(torch::linspace(0.5, 1.5, kPlanes));
  norm.bias.copy_(torch::linspace(-1, 1, kPlanes));
}

template <class Norm>
Pass pass_through(Norm& norm, const torch::Tensor& images, const torch::Tensor& gradient) {
  set_affine(*norm);
  const torch::Tensor x = images.detach().clone().requires_grad_();
  const torch::Tensor y = norm->forward(x);
  y.backward(gradient);
  return {y.detach(),
          x.grad(),
          norm->weight.grad(),
          norm->bias.grad(),
          norm->running_mean,
          norm->running_var,
          norm->num_batches_tracked.template item<std::int64_t>()};
}

// Each thread takes the images that `cuts` gives it.
std::vector<Pass> pass_together(const torch::Tensor& images, const torch::Tensor& gradient,
                                const std::vector<std::int64_t>& cuts) {
  Ranks ranks(static_cast<int>(cuts.size()));
  std::vector<Pass> passes(cuts.size());
  {
    std::vector<std::jthread> threads;
    std::int64_t first = 0;
    for (std::size_t rank = 0; rank < cuts.size(); ++rank) {
      threads.emplace_back([&, rank, first] {
        BatchNorm norm(kPlanes);
        norm->set_sum_over_ranks(ranks.sum_of(rank));
        passes[rank] =
            pass_through(norm, images.narrow(0, first, cuts[rank]), gradient.narrow(0, first, cuts[rank]));
      });
      first += cuts[rank];
    }
  }
  return passes;
}

// A mean of 50 in float32 is 2e-6 off, on either side, times the sum of a gradient.
void expect_close(const torch::Tensor& actual, const torch::Tensor& expected, const char* what) {
  const double scale = expected.abs().max().item<double>();
  EXPECT_LE((actual.to(torch::kFloat32) - expected).abs().max().item<double>(), 5e-6 * (1 + scale)) << what;
}

class OverRanks : public testing::TestWithParam<std::vector<std::int64_t>> {};

TEST_P(OverRanks, GivesWhatOneRankWithAllImagesGets) {
  torch::manual_seed(1);
  // A mean far from zero is what sums of squares in float32 would lose.
  const torch::Tensor images =
      (torch::randn({7, kPlanes, 6, 4}) * 3 + 50).contiguous(torch::MemoryFormat::ChannelsLast);
  const torch::Tensor gradient = torch::randn({7, kPlanes, 6, 4});
  torch::nn::BatchNorm2d reference(kPlanes);
  const Pass expected = pass_through(reference, images, gradient);

  const std::vector<Pass> passes = pass_together(images, gradient, GetParam());
  std::vector<torch::Tensor> y, dx;
  torch::Tensor dweight = torch::zeros(kPlanes), dbias = torch::zeros(kPlanes);
  for (const Pass& pass : passes) {
    y.push_back(pass.y);
    dx.push_back(pass.dx);
    dweight += pass.dweight;
    dbias += pass.dbias;
    EXPECT_TRUE(torch::equal(pass.mean, passes[0].mean));
    EXPECT_TRUE(torch::equal(pass.variance, passes[0].variance));
    EXPECT_EQ(pass.tracked, 1);
  }
  expect_close(torch::cat(y), expected.y, "y");
  expect_close(torch::cat(dx), expected.dx, "dx");
  expect_close(dweight, expected.dweight, "dweight");
  expect_close(dbias, expected.dbias, "dbias");
  expect_close(passes[0].mean, expected.mean, "running mean");
  expect_close(passes[0].variance, expected.variance, "running variance");
}

INSTANTIATE_TEST_SUITE_P(Cuts, OverRanks,
                         testing::Values(std::vector<std::int64_t>{7}, std::vector<std::int64_t>{4, 3},
                                         std::vector<std::int64_t>{3, 3, 1}, std::vector<std::int64_t>{7, 0},
                                         std::vector<std::int64_t>{3, 2, 2, 0}));

TEST(BatchNorm, EvaluationAndRanksWithoutSumsAreTorchs) {
  torch::manual_seed(2);
  const torch::Tensor images = torch::randn({3, kPlanes, 2, 2});
  torch::nn::BatchNorm2d reference(kPlanes);
  BatchNorm own(kPlanes);
  EXPECT_TRUE(torch::equal(own->forward(images), reference->forward(images)));
  own->eval();
  reference->eval();
  own->set_sum_over_ranks([](torch::Tensor&) { FAIL() << "no rank waits for sums in evaluation"; });
  EXPECT_TRUE(torch::equal(own->forward(images), reference->forward(images)));
}

TEST(BatchNorm, ABatchWithoutImagesGoesThroughAWholeNetworkAndBack) {
  ft::ResNet model = ft::make_resnet("resnet18", 2);
  int sums = 0;
  ft::normalize_over_ranks(model, [&sums](torch::Tensor& values) {
    ++sums;
    values += 1;  // another rank's
  });
  const torch::Tensor logits = model->forward(torch::empty({0, 3, 32, 32}));
  EXPECT_EQ(sums, 20);
  logits.sum().backward();
  EXPECT_EQ(sums, 40);
  for (const torch::Tensor& parameter : model->parameters()) {
    ASSERT_TRUE(parameter.grad().defined());
    EXPECT_EQ(parameter.grad().abs().sum().item<double>(), 0);
  }
}

}  // namespace
