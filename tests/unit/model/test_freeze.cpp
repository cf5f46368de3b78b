#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ft/base/error.h"
#include "ft/model/freeze.h"
#include "ft/model/state_dict.h"

namespace ft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

ResNet small_model() {
  return ResNet(std::vector<std::int64_t>{1, 1, 1, 1}, 2);
}

std::string refusal(const std::vector<std::string>& names) {
  ResNet model = small_model();
  try {
    freeze_modules(model, names);
  } catch (const UsageError& error) {
    return std::string(error.what()) + " | " + error.hint();
  }
  ADD_FAILURE() << "nothing was refused";
  return {};
}

TEST(Freeze, FreezesWholeModulesByName) {
  ResNet model = small_model();
  EXPECT_THAT(
      freeze_modules(model, {"conv1", "layer1.0.bn1", "fc."}),
      ElementsAre("conv1.weight", "layer1.0.bn1.weight", "layer1.0.bn1.bias", "fc.weight", "fc.bias"));
  const auto parameters = model->named_parameters();
  EXPECT_FALSE(parameters["conv1.weight"].requires_grad());
  EXPECT_FALSE(parameters["layer1.0.bn1.bias"].requires_grad());
  EXPECT_TRUE(parameters["layer1.0.conv1.weight"].requires_grad());
  EXPECT_TRUE(parameters["bn1.weight"].requires_grad());
}

TEST(Freeze, FreezesNothingWhenNothingIsNamed) {
  ResNet model = small_model();
  EXPECT_THAT(freeze_modules(model, {}), ElementsAre());
  for (const torch::Tensor& parameter : model->parameters()) EXPECT_TRUE(parameter.requires_grad());
}

TEST(Freeze, SaysWhatStandsInPlaceOfAnUnknownName) {
  EXPECT_THAT(refusal({"layer5"}), HasSubstr("'layer5' | the model has conv1, bn1, layer1, layer2"));
  EXPECT_THAT(refusal({"layer2.0.conv9"}), HasSubstr("'layer2.0' has conv1, bn1, conv2, bn2, downsample"));
  EXPECT_THAT(refusal({"conv1.weight"}), HasSubstr("'conv1' has no modules in it"));
  EXPECT_THAT(refusal({"layer"}), HasSubstr("no module 'layer'"));
  EXPECT_THAT(refusal({""}), HasSubstr("the model has conv1"));
}

TEST(Freeze, RefusesToFreezeAll) {
  EXPECT_THAT(refusal({"conv1", "bn1", "layer1", "layer2", "layer3", "layer4", "fc"}),
              HasSubstr("nothing is left"));
}

TEST(Freeze, FrozenBatchNormKeepsItsStatistics) {
  ResNet model = small_model();
  const std::vector<std::string> frozen = {"layer1", "bn1"};
  freeze_modules(model, frozen);
  model->eval();
  set_train_mode(model, frozen, BatchNormMode::kLocal);
  const auto buffer = [&](const char* name) { return model->named_buffers()[name].clone(); };
  const torch::Tensor stem = buffer("bn1.running_mean");
  const torch::Tensor inner = buffer("layer1.0.bn2.running_var");
  const torch::Tensor learning = buffer("layer2.0.bn1.running_mean");
  model->forward(torch::rand({4, 3, 64, 64}));
  EXPECT_TRUE(torch::equal(stem, buffer("bn1.running_mean")));
  EXPECT_TRUE(torch::equal(inner, buffer("layer1.0.bn2.running_var")));
  EXPECT_FALSE(torch::equal(learning, buffer("layer2.0.bn1.running_mean")));
}

TEST(Freeze, FrozenModeKeepsAllStatisticsWhileWeightsLearn) {
  ResNet model = small_model();
  set_train_mode(model, {}, BatchNormMode::kFrozen);
  const auto statistics = [&] {
    std::vector<NamedTensor> buffers;
    for (const NamedTensor& entry : state_dict(*model)) {
      if (!entry.is_parameter) buffers.push_back(entry);
    }
    return weights_sha256(buffers, false);
  };
  const std::string before = statistics();
  model->forward(torch::rand({4, 3, 64, 64})).sum().backward();
  EXPECT_EQ(statistics(), before);
  EXPECT_TRUE(model->layer1->named_parameters()["0.bn1.weight"].grad().defined());
}

}  // namespace
}  // namespace ft
