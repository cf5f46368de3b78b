#include "ft/train/sgd.h"

#include <cmath>

#include <ATen/Parallel.h>

namespace ft {
namespace {

// Elements a thread takes at a time: long enough to amortise the hand-over, short enough to balance.
constexpr std::int64_t kGrain = 1 << 16;

// Adjacent segments of one group, the gaps between them included (they hold zeros and stay zero).
std::vector<Segment> runs_of(const BucketLayout& layout) {
  std::vector<Segment> runs;
  for (const Bucket& bucket : layout.buckets) {
    for (const Segment& segment : bucket.segments) {
      if (!runs.empty() && runs.back().group == segment.group) {
        runs.back().length = segment.offset + segment.length - runs.back().offset;
      } else {
        runs.push_back(segment);
      }
    }
  }
  return runs;
}

void update_on_host(torch::Tensor& values, torch::Tensor& gradients, torch::Tensor& velocity,
                    const Segment& run, SgdStep step) {
  float* w = values.data_ptr<float>() + run.offset;
  float* g = gradients.data_ptr<float>() + run.offset;
  float* v = velocity.defined() ? velocity.data_ptr<float>() + run.offset : nullptr;
  at::parallel_for(0, run.length, kGrain, [&](std::int64_t begin, std::int64_t end) {
    const auto count = static_cast<std::size_t>(end - begin);
    sgd_update({w + begin, count}, {g + begin, count},
               v ? std::span<float>(v + begin, count) : std::span<float>(), step);
  });
}

}  // namespace

void sgd_update(std::span<float> values, std::span<float> gradient, std::span<float> velocity,
                SgdStep step) noexcept {
  float* __restrict w = values.data();
  float* __restrict g = gradient.data();
  const std::size_t count = values.size();
  if (velocity.empty()) {
    for (std::size_t i = 0; i < count; ++i) {
      w[i] -= step.lr * (step.scale * g[i] + step.weight_decay * w[i]);
      g[i] = 0;
    }
    return;
  }
  float* __restrict v = velocity.data();
  for (std::size_t i = 0; i < count; ++i) {
    v[i] = step.momentum * v[i] + (step.scale * g[i] + step.weight_decay * w[i]);
    w[i] -= step.lr * v[i];
    g[i] = 0;
  }
}

void sgd_update_on_device(torch::Tensor values, torch::Tensor gradient, torch::Tensor velocity,
                          const SgdStep& step, const torch::Tensor& lr, const torch::Tensor& scale) {
  gradient.mul_(scale).add_(values, step.weight_decay);
  if (velocity.defined()) {
    velocity.mul_(step.momentum).add_(gradient);
    values.addcmul_(velocity, lr, -1);
  } else {
    values.addcmul_(gradient, lr, -1);
  }
  gradient.zero_();
}

Sgd::DeviceScalar::DeviceScalar(const torch::Device& device)
    : value_(torch::zeros({1}, torch::TensorOptions().dtype(torch::kFloat32).device(device))) {}

const torch::Tensor& Sgd::DeviceScalar::set(float value) {
  if (value != latest_) value_.fill_(value);
  latest_ = value;
  return value_;
}

Sgd::Sgd(FlatParameters& flat, const OptimizerConfig& config)
    : flat_(&flat),
      lr_factor_{1.0, config.head_lr_factor},
      weight_decay_(static_cast<float>(config.weight_decay)),
      momentum_(static_cast<float>(config.momentum)),
      device_lr_{DeviceScalar(flat.values().device()), DeviceScalar(flat.values().device())},
      device_scale_(flat.values().device()) {
  // From zero, the first v = momentum * 0 + g is torch's "v = g in the first step".
  if (config.momentum > 0) velocity_ = torch::zeros_like(flat.values());
}

void Sgd::step(double lr, double gradient_scale) {
  const torch::NoGradGuard no_grad;
  torch::Tensor& values = flat_->values();
  torch::Tensor& gradients = flat_->gradients();
  for (const Segment& run : runs_of(flat_->layout())) {
    const auto group = static_cast<std::size_t>(run.group);
    const SgdStep step{static_cast<float>(lr * lr_factor_.at(group)), weight_decay_, momentum_,
                       static_cast<float>(gradient_scale)};
    if (values.is_cpu()) {
      update_on_host(values, gradients, velocity_, run, step);
      continue;
    }
    const auto piece = [&run](torch::Tensor& flat) {
      return flat.defined() ? flat.narrow(0, run.offset, run.length) : flat;
    };
    sgd_update_on_device(piece(values), piece(gradients), piece(velocity_), step,
                         device_lr_.at(group).set(step.lr), device_scale_.set(step.scale));
  }
}

double gradient_norm(FlatParameters& flat) {
  const torch::NoGradGuard no_grad;
  if (!flat.gradients().is_cpu()) return flat.gradients().to(torch::kFloat64).norm().item<double>();
  // In the model's order, not in that of the buckets: bucket_mib must not change the result.
  std::vector<double> squares(flat.count());
  for (const Bucket& bucket : flat.layout().buckets) {
    for (const Segment& segment : bucket.segments) {
      const float* g = flat.gradients().data_ptr<float>() + segment.offset;
      double sum = 0;
      for (std::int64_t i = 0; i < segment.length; ++i) sum += double{g[i]} * double{g[i]};
      squares[segment.parameter] = sum;
    }
  }
  double total = 0;
  for (const double square : squares) total += square;
  return std::sqrt(total);
}

}  // namespace ft
