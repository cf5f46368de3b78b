// ResNet with torchvision's module names, so that a state_dict moves either way unchanged.
// He, Zhang, Ren, Sun, "Deep residual learning for image recognition" (2015); torchvision/models/resnet.py.
#pragma once

#include <string>
#include <vector>

#include <torch/torch.h>

#include "ft/model/batch_norm.h"

namespace ft {

// The residual block of ResNet-18 and -34: two 3x3 convolutions.
class BasicBlockImpl : public torch::nn::Module {
 public:
  static constexpr std::int64_t kExpansion = 1;
  BasicBlockImpl(std::int64_t in_planes, std::int64_t planes, std::int64_t stride);
  torch::Tensor forward(torch::Tensor x);

  torch::nn::Conv2d conv1{nullptr}, conv2{nullptr};
  BatchNorm bn1{nullptr}, bn2{nullptr};
  torch::nn::Sequential downsample{nullptr};
};
TORCH_MODULE(BasicBlock);

class ResNetImpl : public torch::nn::Module {
 public:
  // `blocks`: residual blocks in layer1..layer4. The values are LibTorch's defaults until init_from_scratch
  // or load_pretrained (pretrained.h) sets them.
  ResNetImpl(const std::vector<std::int64_t>& blocks, std::int64_t classes);
  // x: [N,3,H,W] normalised; gives logits [N,classes].
  torch::Tensor forward(torch::Tensor x);

  torch::nn::Conv2d conv1{nullptr};
  BatchNorm bn1{nullptr};
  torch::nn::Sequential layer1{nullptr}, layer2{nullptr}, layer3{nullptr}, layer4{nullptr};
  torch::nn::Linear fc{nullptr};
};
TORCH_MODULE(ResNet);

// "resnet18" or "resnet34"; UsageError otherwise.
[[nodiscard]] ResNet make_resnet(const std::string& arch, std::int64_t classes);

// Every BatchNorm that trains normalises over all ranks from here on; see BatchNorm.
void normalize_over_ranks(ResNet& model, const SumOverRanks& sum);

inline constexpr const char* kHeadPrefix = "fc.";

}  // namespace ft
