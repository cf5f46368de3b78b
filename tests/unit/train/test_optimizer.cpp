#include <gtest/gtest.h>

#include "ft/comm/backends.h"
#include "ft/model/freeze.h"
#include "ft/train/gradient_reducer.h"
#include "ft/train/sgd.h"

namespace ft {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

ResNet small_model() {
  torch::manual_seed(0);
  return make_resnet("resnet18", 2);
}

torch::Tensor batch() {
  torch::manual_seed(1);
  return torch::randn({4, 3, 32, 32});
}

torch::Tensor sum_loss(ResNet& model) {
  const auto options = torch::nn::functional::CrossEntropyFuncOptions().reduction(torch::kSum);
  return torch::nn::functional::cross_entropy(model->forward(batch()), torch::tensor({0, 1, 0, 1}), options);
}

// What a GPU does, step by step against what the CPU does.
TEST(Sgd, UpdatesOnADeviceAsOnTheHost) {
  torch::manual_seed(0);
  for (const float momentum : {0.0F, 0.9F}) {
    torch::Tensor on_host = torch::randn({1000}), on_device = on_host.clone();
    torch::Tensor velocity = torch::zeros({1000}), device_velocity;
    if (momentum > 0) device_velocity = torch::zeros({1000});
    for (int i = 0; i < 3; ++i) {
      torch::Tensor gradient = torch::randn({1000}), device_gradient = gradient.clone();
      const SgdStep step{
          .lr = 0.1F / static_cast<float>(i + 1), .weight_decay = 1e-3F, .momentum = momentum, .scale = 0.5F};
      const auto span = [](torch::Tensor& tensor) { return std::span(tensor.data_ptr<float>(), 1000); };
      sgd_update(span(on_host), span(gradient), momentum > 0 ? span(velocity) : std::span<float>(), step);
      sgd_update_on_device(on_device, device_gradient, device_velocity, step, torch::full({1}, step.lr),
                           torch::full({1}, step.scale));
      EXPECT_LT((on_host - on_device).abs().max().item<float>(), 1e-6F);
      EXPECT_EQ(device_gradient.abs().max().item<float>(), 0);
    }
  }
}

// torch's own optimizer, from the same start, is the oracle.
void expect_like_torch(double momentum) {
  ResNet ours = small_model(), theirs = small_model();
  OptimizerConfig config;
  config.lr = 1e-3;
  config.momentum = momentum;
  FlatParameters flat(ours, kMiB, 25 * kMiB);
  Sgd sgd(flat, config);

  std::vector<torch::Tensor> body, head;
  for (auto& item : theirs->named_parameters())
    (item.key().starts_with("fc.") ? head : body).push_back(item.value());
  const auto options = [&](double factor) {
    return torch::optim::SGDOptions(config.lr * factor).momentum(momentum).weight_decay(config.weight_decay);
  };
  std::vector<torch::optim::OptimizerParamGroup> groups;
  groups.emplace_back(body, std::make_unique<torch::optim::SGDOptions>(options(1)));
  groups.emplace_back(head, std::make_unique<torch::optim::SGDOptions>(options(config.head_lr_factor)));
  torch::optim::SGD oracle(groups, options(1));

  for (int step = 0; step < 3; ++step) {
    sum_loss(ours).backward();
    sgd.step(config.lr, 1);
    oracle.zero_grad();
    sum_loss(theirs).backward();
    oracle.step();
  }
  const auto a = ours->named_parameters(), b = theirs->named_parameters();
  for (const auto& item : a) {
    EXPECT_LT((item.value() - b[item.key()]).abs().max().item<float>(), 2e-6) << item.key();
  }
  EXPECT_EQ(flat.gradients().abs().max().item<float>(), 0) << "gradients are zero after an update";
}

TEST(Sgd, PlainIsTorchs) {
  expect_like_torch(0);
}
TEST(Sgd, WithMomentumIsTorchs) {
  expect_like_torch(0.9);
}

TEST(FlatParameters, ViewsShareTheStorageAndKeepTheirStrides) {
  ResNet model = small_model();
  const torch::NoGradGuard no_grad;
  for (auto& parameter : model->parameters()) {
    if (parameter.dim() == 4) parameter.set_data(parameter.contiguous(torch::MemoryFormat::ChannelsLast));
  }
  const torch::Tensor before = model->layer4[0]->as<BasicBlock>()->conv1->weight.clone();
  FlatParameters flat(model, kMiB, 2 * kMiB);
  const torch::Tensor& weight = model->layer4[0]->as<BasicBlock>()->conv1->weight;
  EXPECT_TRUE(torch::equal(weight, before));
  EXPECT_TRUE(weight.is_contiguous(torch::MemoryFormat::ChannelsLast));
  EXPECT_EQ(weight.grad().strides(), weight.strides());
  EXPECT_GT(flat.layout().buckets.size(), 5U);
  flat.values().zero_();
  EXPECT_EQ(weight.abs().max().item<float>(), 0);
}

TEST(FlatParameters, FrozenOnesAreLeftOut) {
  ResNet model = small_model();
  const auto frozen = freeze_modules(model, {"conv1", "layer1"});
  const FlatParameters flat(model, kMiB, 25 * kMiB);
  EXPECT_EQ(flat.count() + frozen.size(), model->parameters().size());
  for (std::size_t i = 0; i < flat.count(); ++i) EXPECT_FALSE(flat.name(i).starts_with("layer1."));
}

// Gradients accumulate over micro-batches and only the armed backward sends them.
TEST(GradientReducer, AWorldOfOneKeepsTheGradientsOfPlainBackward) {
  ResNet model = small_model(), plain = small_model();
  FlatParameters flat(model, kMiB, 2 * kMiB);
  const auto communicator = make_single_communicator();
  GradientReducer reducer(flat, *communicator);
  sum_loss(model).backward();
  reducer.arm();
  sum_loss(model).backward();
  reducer.finish();
  sum_loss(plain).backward();
  sum_loss(plain).backward();
  const auto expected = plain->named_parameters();
  for (const auto& item : model->named_parameters()) {
    EXPECT_TRUE(torch::allclose(item.value().grad(), expected[item.key()].grad(), 1e-5, 1e-6)) << item.key();
  }
}

TEST(GradientReducer, AStepWithoutImagesSendsZeros) {
  ResNet model = small_model();
  FlatParameters flat(model, kMiB, 2 * kMiB);
  const auto communicator = make_single_communicator();
  GradientReducer reducer(flat, *communicator);
  reducer.finish();
  EXPECT_EQ(flat.gradients().abs().max().item<float>(), 0);
  reducer.arm();
  sum_loss(model).backward();
  reducer.finish();
  EXPECT_GT(flat.gradients().abs().max().item<float>(), 0);
}

TEST(GradientNorm, IsTheNormOfAllAndIgnoresTheLayout) {
  ResNet model = small_model(), other = small_model();
  FlatParameters small(model, kMiB, kMiB), large(other, kMiB, 64 * kMiB);
  sum_loss(model).backward();
  sum_loss(other).backward();
  double squares = 0;
  for (const auto& parameter : model->parameters()) {
    squares += parameter.grad().to(torch::kFloat64).square().sum().item<double>();
  }
  EXPECT_NEAR(gradient_norm(small), std::sqrt(squares), 1e-9 * std::sqrt(squares));
  EXPECT_EQ(gradient_norm(small), gradient_norm(large));
}

}  // namespace
}  // namespace ft
