#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ft/base/error.h"
#include "ft/model/resnet.h"
#include "ft/model/state_dict.h"

namespace ft {
namespace {

std::int64_t count_parameters(const ResNet& model) {
  std::int64_t count = 0;
  for (const torch::Tensor& parameter : model->parameters()) count += parameter.numel();
  return count;
}

TEST(ResNet, HasTheParametersOfTorchvisions) {
  EXPECT_EQ(count_parameters(make_resnet("resnet18", 1000)), 11'689'512);
  EXPECT_EQ(count_parameters(make_resnet("resnet34", 1000)), 21'797'672);
}

TEST(ResNet, NamesAndOrdersItsStateAsTorchvision) {
  const auto entries = state_dict(*make_resnet("resnet18", 2));
  std::vector<std::string> names;
  for (const NamedTensor& entry : entries) names.push_back(entry.name);
  ASSERT_EQ(names.size(), 122U);
  EXPECT_THAT(
      std::vector(names.begin(), names.begin() + 8),
      ::testing::ElementsAre("conv1.weight", "bn1.weight", "bn1.bias", "bn1.running_mean", "bn1.running_var",
                             "bn1.num_batches_tracked", "layer1.0.conv1.weight", "layer1.0.bn1.weight"));
  const auto downsample = std::ranges::find(names, "layer2.0.downsample.0.weight");
  ASSERT_NE(downsample, names.end());
  EXPECT_EQ(*(downsample - 1), "layer2.0.bn2.num_batches_tracked");
  EXPECT_EQ(*(downsample + 1), "layer2.0.downsample.1.weight");
  EXPECT_THAT(std::vector(names.end() - 2, names.end()), ::testing::ElementsAre("fc.weight", "fc.bias"));
  EXPECT_EQ(state_dict(*make_resnet("resnet34", 2)).size(), 218U);
}

TEST(ResNet, KnowsParametersFromBuffers) {
  for (const NamedTensor& entry : state_dict(*make_resnet("resnet18", 2))) {
    const bool buffer =
        entry.name.find(".running_") != std::string::npos || entry.name.ends_with(".num_batches_tracked");
    EXPECT_EQ(entry.is_parameter, !buffer) << entry.name;
  }
}

TEST(ResNet, TakesAnyImageSize) {
  const torch::NoGradGuard no_grad;
  ResNet model = make_resnet("resnet18", 5);
  model->eval();
  for (const std::int64_t size : {28, 33, 64}) {
    EXPECT_EQ(model->forward(torch::zeros({2, 3, size, size})).sizes(), (std::vector<std::int64_t>{2, 5}))
        << size;
  }
}

TEST(ResNet, RefusesAnUnknownArchitecture) {
  try {
    (void)make_resnet("resnet19", 2);
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("'resnet19'"));
    EXPECT_EQ(error.hint(), "one of resnet18, resnet34");
  }
}

}  // namespace
}  // namespace ft
