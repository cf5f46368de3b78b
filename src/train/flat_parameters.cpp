#include "ft/train/flat_parameters.h"

namespace ft {
namespace {

torch::Tensor view_like(const torch::Tensor& flat, std::int64_t offset, const torch::Tensor& parameter) {
  return flat.as_strided(parameter.sizes(), parameter.strides(), offset);
}

}  // namespace

FlatParameters::FlatParameters(ResNet& model, std::size_t first_bucket_bytes, std::size_t bucket_bytes) {
  const torch::NoGradGuard no_grad;
  std::vector<ParameterSlot> slots;
  for (auto& item : model->named_parameters()) {
    if (!item.value().requires_grad()) continue;
    const bool head = item.key().starts_with(kHeadPrefix);
    names_.push_back(item.key());
    parameters_.push_back(item.value());
    slots.push_back(
        {item.value().numel(), static_cast<int>(head ? ParameterGroup::kHead : ParameterGroup::kBody)});
  }
  layout_ = BucketLayout(slots, first_bucket_bytes, bucket_bytes);

  const auto options = torch::TensorOptions().dtype(torch::kFloat32).device(parameters_.front().device());
  values_ = torch::zeros({layout_.total_elements}, options);
  gradients_ = torch::zeros({layout_.total_elements}, options);
  for (const Bucket& bucket : layout_.buckets) {
    for (const Segment& segment : bucket.segments) {
      torch::Tensor& parameter = parameters_[segment.parameter];
      const torch::Tensor value = view_like(values_, segment.offset, parameter);
      value.copy_(parameter);
      parameter.set_data(value);
      parameter.mutable_grad() = view_like(gradients_, segment.offset, parameter);
    }
  }
}

}  // namespace ft
