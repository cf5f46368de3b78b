// Starting values from our own counter-based generator: the same on every rank and for every world size,
// whatever was drawn before.
#include <cmath>
#include <numbers>
#include <span>

#include "ft/base/philox.h"
#include "ft/model/pretrained.h"
#include "ft/model/state_dict.h"

namespace ft {
namespace {

// Streams of RandomUse::kHeadInit: the new head has the first, the layers of a model from scratch the others.
constexpr std::uint32_t kHeadStream = 0;
constexpr std::uint32_t kFirstLayerStream = 1;

void fill_uniform(torch::Tensor target, double bound, RandomStream& random) {
  torch::Tensor values = torch::empty(target.sizes(), torch::kFloat32);
  for (float& value : std::span(values.data_ptr<float>(), static_cast<std::size_t>(values.numel()))) {
    value = static_cast<float>(random.uniform(-bound, bound));
  }
  target.copy_(values);
}

// Box and Muller (1958): two uniforms give two normals.
void fill_normal(torch::Tensor target, double deviation, RandomStream& random) {
  torch::Tensor values = torch::empty(target.sizes(), torch::kFloat32);
  const std::span out(values.data_ptr<float>(), static_cast<std::size_t>(values.numel()));
  for (std::size_t i = 0; i < out.size(); i += 2) {
    const double radius = deviation * std::sqrt(-2.0 * std::log(1.0 - random.next_double()));
    const double angle = 2.0 * std::numbers::pi * random.next_double();
    out[i] = static_cast<float>(radius * std::cos(angle));
    if (i + 1 < out.size()) out[i + 1] = static_cast<float>(radius * std::sin(angle));
  }
  target.copy_(values);
}

// He, Zhang, Ren, Sun, "Delving deep into rectifiers" (2015): keeps the variance of gradients through a ReLU.
double kaiming_fan_out_deviation(const torch::Tensor& convolution) {
  const std::int64_t fan_out = convolution.size(0) * convolution.size(2) * convolution.size(3);
  return std::sqrt(2.0 / static_cast<double>(fan_out));
}

}  // namespace

void init_head(ResNet& model, std::uint64_t seed) {
  const torch::NoGradGuard no_grad;
  RandomStream random(seed, RandomUse::kHeadInit, kHeadStream, 0);
  const torch::Tensor& weight = model->fc->weight;
  fill_uniform(weight, std::sqrt(6.0 / static_cast<double>(weight.size(0) + weight.size(1))), random);
  model->fc->bias.zero_();
}

void init_from_scratch(ResNet& model, std::uint64_t seed) {
  const torch::NoGradGuard no_grad;
  const double head_bound = 1.0 / std::sqrt(static_cast<double>(model->fc->weight.size(1)));
  std::uint32_t stream = kFirstLayerStream;
  for (NamedTensor& entry : state_dict(*model)) {
    torch::Tensor& tensor = entry.tensor;
    RandomStream random(seed, RandomUse::kHeadInit, stream++, 0);
    if (entry.name.starts_with(kHeadPrefix)) {
      fill_uniform(tensor, head_bound, random);
    } else if (tensor.dim() == 4) {
      fill_normal(tensor, kaiming_fan_out_deviation(tensor), random);
    } else {
      // BatchNorm starts as the identity, with the statistics of a standard normal input.
      const bool one = entry.name.ends_with(".weight") || entry.name.ends_with(".running_var");
      tensor.fill_(one ? 1 : 0);
    }
  }
}

}  // namespace ft
