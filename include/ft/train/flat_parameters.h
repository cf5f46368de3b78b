// All trainable parameters in one flat storage, and their gradients in another of the same layout, so that
// the all-reduce and the optimizer work on a few long spans instead of sixty tensors.
//
// Note [Views keep their strides]: each parameter and its gradient is a view of the flat storage with the
// parameter's own strides (channels_last stays channels_last), so convolutions see no difference. Autograd
// accumulates in place into a defined gradient, hence the views hold for the whole run; nothing may reset
// `param.grad()` (torch's zero_grad(set_to_none) would).
#pragma once

#include <string>
#include <vector>

#include <torch/torch.h>

#include "ft/comm/bucket_layout.h"
#include "ft/model/resnet.h"

namespace ft {

// Optimizer groups; the values index the learning-rate factors.
enum class ParameterGroup : int { kBody = 0, kHead = 1 };

class FlatParameters {
 public:
  // Moves every parameter of `model` that requires a gradient into flat storage on its device (values kept,
  // names of the head go to group kHead). The model must be on its final device, in its final memory format,
  // and not yet seen by autograd. float32 only.
  FlatParameters(ResNet& model, std::size_t first_bucket_bytes, std::size_t bucket_bytes);

  [[nodiscard]] const BucketLayout& layout() const noexcept { return layout_; }
  [[nodiscard]] std::size_t count() const noexcept { return parameters_.size(); }
  // In the model's order; `index` is Segment::parameter.
  [[nodiscard]] torch::Tensor& parameter(std::size_t index) { return parameters_[index]; }
  [[nodiscard]] const std::string& name(std::size_t index) const { return names_[index]; }

  // [total_elements] float32; gaps between segments are zero and stay zero.
  [[nodiscard]] torch::Tensor& values() noexcept { return values_; }
  [[nodiscard]] torch::Tensor& gradients() noexcept { return gradients_; }

 private:
  std::vector<std::string> names_;
  std::vector<torch::Tensor> parameters_;
  BucketLayout layout_;
  torch::Tensor values_;
  torch::Tensor gradients_;
};

}  // namespace ft
