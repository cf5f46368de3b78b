// ToTensor and Normalize where the model is.
#pragma once

#include <torch/torch.h>

#include "ft/data/transform.h"

namespace ft {

class PixelNormalizer {
 public:
  PixelNormalizer(const TransformOptions& options, torch::ScalarType type, const torch::Device& device);

  // [N,3,H,W] uint8 to the type, with the strides as they are. Each value has PixelWriter's bits: the same
  // three operations of float32 in the same order, none of them with a constant that a kernel might turn into
  // a product with its reciprocal.
  [[nodiscard]] torch::Tensor operator()(const torch::Tensor& levels) const;

 private:
  torch::ScalarType type_;
  torch::Tensor levels_per_one_;  // 255
  torch::Tensor mean_, std_;      // [1,3,1,1]
};

}  // namespace ft
