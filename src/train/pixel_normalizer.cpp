#include "pixel_normalizer.h"

namespace ft {
namespace {

torch::Tensor per_channel(const std::array<double, 3>& values, const torch::Device& device) {
  return torch::tensor({values[0], values[1], values[2]}, torch::kFloat64)
      .to(torch::kFloat32)
      .view({1, 3, 1, 1})
      .to(device);
}

}  // namespace

PixelNormalizer::PixelNormalizer(const TransformOptions& options, torch::ScalarType type,
                                 const torch::Device& device)
    : type_(type),
      levels_per_one_(torch::full({1}, 255, torch::TensorOptions().dtype(torch::kFloat32).device(device))),
      mean_(per_channel(options.mean, device)),
      std_(per_channel(options.std, device)) {}

torch::Tensor PixelNormalizer::operator()(const torch::Tensor& levels) const {
  const torch::NoGradGuard no_grad;
  return levels.to(torch::kFloat32).div_(levels_per_one_).sub_(mean_).div_(std_).to(type_);
}

}  // namespace ft
