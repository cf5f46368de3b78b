#include <cmath>

#include <gtest/gtest.h>

#include "ft/model/pretrained.h"
#include "ft/model/state_dict.h"

namespace ft {
namespace {

ResNet small_model(std::int64_t classes = 3) {
  return ResNet(std::vector<std::int64_t>{1, 1, 1, 1}, classes);
}

std::string sha256(const ResNet& model) {
  return weights_sha256(state_dict(*model), false);
}

TEST(Initialization, DependsOnTheSeedAloneNotOnTorchsGenerator) {
  ResNet first = small_model();
  init_from_scratch(first, 7);
  torch::manual_seed(12345);
  ResNet second = small_model();
  second->forward(torch::rand({2, 3, 32, 32}));  // moves the running statistics
  init_from_scratch(second, 7);
  EXPECT_EQ(sha256(first), sha256(second));
  init_from_scratch(second, 8);
  EXPECT_NE(sha256(first), sha256(second));
}

TEST(Initialization, FromScratchHasTorchvisionsDistributions) {
  ResNet model = small_model();
  init_from_scratch(model, 1);
  for (const NamedTensor& entry : state_dict(*model)) {
    const torch::Tensor values = entry.tensor.to(torch::kFloat64);
    if (entry.tensor.dim() == 4) {
      const double expected = std::sqrt(
          2.0 / static_cast<double>(entry.tensor.size(0) * entry.tensor.size(2) * entry.tensor.size(3)));
      EXPECT_NEAR(values.std().item<double>() / expected, 1.0, 0.05) << entry.name;
      EXPECT_NEAR(values.mean().item<double>() / expected, 0.0, 0.05) << entry.name;
      // A normal has kurtosis 3, a uniform 1.8.
      EXPECT_NEAR(values.div(values.std()).pow(4).mean().item<double>(), 3.0, 0.4) << entry.name;
    } else if (entry.name.starts_with("fc.")) {
      EXPECT_LE(values.abs().max().item<double>(), 1.0 / std::sqrt(512.0)) << entry.name;
      EXPECT_GT(values.abs().max().item<double>(), 0.0) << entry.name;
    } else {
      const bool one = entry.name.ends_with(".weight") || entry.name.ends_with("running_var");
      EXPECT_TRUE(values.eq(one ? 1 : 0).all().item<bool>()) << entry.name;
    }
  }
}

TEST(Initialization, LayersDoNotShareNumbers) {
  ResNet model = small_model();
  init_from_scratch(model, 1);
  const auto parameters = model->named_parameters();
  EXPECT_FALSE(torch::equal(parameters["layer1.0.conv1.weight"], parameters["layer1.0.conv2.weight"]));
}

TEST(Initialization, HeadIsXavierUniform) {
  ResNet model = small_model(200);
  init_head(model, 3);
  const double bound = std::sqrt(6.0 / (512 + 200));
  const torch::Tensor weight = model->fc->weight.detach();
  EXPECT_LE(weight.abs().max().item<double>(), bound);
  EXPECT_NEAR(weight.std().item<double>(), bound / std::sqrt(3.0), 0.01 * bound);
  EXPECT_TRUE(model->fc->bias.eq(0).all().item<bool>());
  EXPECT_TRUE(model->fc->weight.requires_grad());
}

}  // namespace
}  // namespace ft
