#include "ft/model/resnet.h"

#include <array>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ft/base/error.h"

namespace ft {
namespace {

namespace nn = torch::nn;

struct Architecture {
  std::string_view name;
  std::array<std::int64_t, 4> blocks;
};

constexpr std::array kArchitectures = {
    Architecture{"resnet18", {2, 2, 2, 2}},
    Architecture{"resnet34", {3, 4, 6, 3}},
};

constexpr std::int64_t kStemPlanes = 64;

// BatchNorm follows each convolution and brings the bias.
nn::Conv2d make_conv(std::int64_t in_planes, std::int64_t planes, std::int64_t kernel, std::int64_t stride) {
  return nn::Conv2d(
      nn::Conv2dOptions(in_planes, planes, kernel).stride(stride).padding(kernel / 2).bias(false));
}

// The first block of a stage halves the map; the others keep it.
nn::Sequential make_stage(std::int64_t& in_planes, std::int64_t planes, std::int64_t blocks,
                          std::int64_t stride) {
  nn::Sequential stage;
  for (std::int64_t i = 0; i < blocks; ++i) {
    stage->push_back(BasicBlock(in_planes, planes, i == 0 ? stride : 1));
    in_planes = planes * BasicBlockImpl::kExpansion;
  }
  return stage;
}

}  // namespace

BasicBlockImpl::BasicBlockImpl(std::int64_t in_planes, std::int64_t planes, std::int64_t stride) {
  conv1 = register_module("conv1", make_conv(in_planes, planes, 3, stride));
  bn1 = register_module("bn1", BatchNorm(planes));
  conv2 = register_module("conv2", make_conv(planes, planes, 3, 1));
  bn2 = register_module("bn2", BatchNorm(planes));
  if (stride != 1 || in_planes != planes * kExpansion) {
    downsample = register_module(
        "downsample",
        nn::Sequential(make_conv(in_planes, planes * kExpansion, 1, stride), BatchNorm(planes * kExpansion)));
  }
}

torch::Tensor BasicBlockImpl::forward(torch::Tensor x) {
  torch::Tensor out = bn1(conv1(x)).relu_();
  out = bn2(conv2(out));
  out += downsample ? downsample->forward(x) : x;
  return out.relu_();
}

ResNetImpl::ResNetImpl(const std::vector<std::int64_t>& blocks, std::int64_t classes) {
  TORCH_CHECK(blocks.size() == 4, "a ResNet has four stages");
  std::int64_t planes = kStemPlanes;
  conv1 = register_module("conv1", make_conv(3, kStemPlanes, 7, 2));
  bn1 = register_module("bn1", BatchNorm(kStemPlanes));
  layer1 = register_module("layer1", make_stage(planes, kStemPlanes, blocks[0], 1));
  layer2 = register_module("layer2", make_stage(planes, kStemPlanes * 2, blocks[1], 2));
  layer3 = register_module("layer3", make_stage(planes, kStemPlanes * 4, blocks[2], 2));
  layer4 = register_module("layer4", make_stage(planes, kStemPlanes * 8, blocks[3], 2));
  fc = register_module("fc", nn::Linear(planes, classes));
}

torch::Tensor ResNetImpl::forward(torch::Tensor x) {
  x = bn1(conv1(x)).relu_();
  x = torch::max_pool2d(x, /*kernel_size=*/3, /*stride=*/2, /*padding=*/1);
  x = layer4->forward(layer3->forward(layer2->forward(layer1->forward(x))));
  return fc(torch::adaptive_avg_pool2d(x, {1, 1}).flatten(1));
}

ResNet make_resnet(const std::string& arch, std::int64_t classes) {
  for (const Architecture& known : kArchitectures) {
    if (known.name == arch) {
      return ResNet(std::vector<std::int64_t>(known.blocks.begin(), known.blocks.end()), classes);
    }
  }
  std::vector<std::string_view> names;
  for (const Architecture& known : kArchitectures) names.push_back(known.name);
  throw UsageError(fmt::format("model.arch: '{}' is not known", arch),
                   fmt::format("one of {}", fmt::join(names, ", ")));
}

void normalize_over_ranks(ResNet& model, const SumOverRanks& sum) {
  for (const auto& module : model->modules(/*include_self=*/false)) {
    if (auto* norm = module->as<BatchNorm>()) norm->set_sum_over_ranks(sum);
  }
}

}  // namespace ft
