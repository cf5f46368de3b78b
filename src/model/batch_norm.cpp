#include "ft/model/batch_norm.h"

#include <tuple>
#include <vector>

namespace ft {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

// What a backward pass needs beside tensors; torch's saved values hold no functions.
struct Passport : torch::CustomClassHolder {
  SumOverRanks sum;
  double epsilon = 0;
};

// Of each channel over all ranks. Nothing of it is a number of the host's: that would wait for the device.
struct Statistics {
  torch::Tensor mean, variance;  // [C] float32; biased
  torch::Tensor count;           // [C] float64: of how many values
};

constexpr std::int64_t kImages = 0, kChannels = 1, kRows = 2, kColumns = 3;
const std::vector<std::int64_t>& all_but_channels() {
  static const std::vector<std::int64_t> dimensions{kImages, kRows, kColumns};
  return dimensions;
}

torch::Tensor per_channel(const torch::Tensor& values) {
  return values.view({1, -1, 1, 1});
}

// [3,C] float64: how many values, their sum, the sum of their squares. Each rank's variance is taken around
// its own mean first: squares of large means would drown it in float32.
torch::Tensor sums_of(const torch::Tensor& x) {
  const std::int64_t channels = x.size(kChannels);
  torch::Tensor sums = torch::zeros({3, channels}, x.options().dtype(torch::kFloat64));
  const std::int64_t values = x.numel() / channels;
  const auto count = static_cast<double>(values);
  if (count == 0) return sums;
  const auto [variance, mean] =
      torch::var_mean(x.to(torch::kFloat32), all_but_channels(), /*unbiased=*/false, /*keepdim=*/false);
  const torch::Tensor exact_mean = mean.to(torch::kFloat64);
  sums[0].fill_(count);
  sums[1].copy_(exact_mean * count);
  sums[2].copy_((variance.to(torch::kFloat64) + exact_mean * exact_mean) * count);
  return sums;
}

Statistics statistics_over_ranks(const torch::Tensor& x, const SumOverRanks& sum) {
  torch::Tensor sums = sums_of(x);
  sum(sums);
  const torch::Tensor mean = sums[1] / sums[0];
  const torch::Tensor variance = (sums[2] / sums[0] - mean * mean).clamp_min(0);
  return {mean.to(torch::kFloat32), variance.to(torch::kFloat32), sums[0]};
}

class NormalizeOverRanks : public torch::autograd::Function<NormalizeOverRanks> {
 public:
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& x, const torch::Tensor& weight,
                               const torch::Tensor& bias, const Statistics& statistics,
                               const c10::intrusive_ptr<Passport>& passport) {
    context->save_for_backward({x, weight, statistics.mean, statistics.variance, statistics.count});
    context->saved_data["passport"] = torch::IValue::make_capsule(passport);
    if (x.numel() == 0) return torch::empty_like(x);
    return torch::batch_norm(x, weight, bias, statistics.mean, statistics.variance, /*training=*/false,
                             /*momentum=*/0, passport->epsilon, /*cudnn_enabled=*/false);
  }

  // With statistics that depend on x: of the gradient, what would shift or scale a channel's values over all
  // images drops out.
  static tensor_list backward(AutogradContext* context, const tensor_list& outputs) {
    const auto saved = context->get_saved_variables();
    const torch::Tensor &x = saved[0], &weight = saved[1], &mean = saved[2], &variance = saved[3];
    const auto passport =
        c10::static_intrusive_pointer_cast<Passport>(context->saved_data["passport"].toCapsule());
    const torch::Tensor inverse = (variance + passport->epsilon).rsqrt();

    auto [dx, dweight, dbias] = fixed_backward(outputs[0], x, weight, mean, variance, passport->epsilon);
    torch::Tensor sums = torch::stack({dbias, dweight}).to(torch::kFloat64);
    passport->sum(sums);
    sums /= saved[4];
    if (x.numel() > 0) {
      const torch::Tensor mean_dy = sums[0].to(torch::kFloat32);
      const torch::Tensor slope = sums[1].to(torch::kFloat32) * inverse;  // of x - mean
      const torch::Tensor scale = weight * inverse;
      const torch::Tensor shared = (x.to(torch::kFloat32) - per_channel(mean)) * per_channel(slope * scale) +
                                   per_channel(mean_dy * scale);
      dx = (dx.to(torch::kFloat32) - shared).to(x.scalar_type());
    }
    return {dx, dweight, dbias, torch::Tensor(), torch::Tensor()};
  }

 private:
  // As if the statistics were constants: dx, and the sums of dy times the normalised x, and of dy.
  static std::tuple<torch::Tensor, torch::Tensor, torch::Tensor> fixed_backward(
      const torch::Tensor& dy, const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& mean,
      const torch::Tensor& variance, double epsilon) {
    if (x.numel() == 0) return {torch::zeros_like(x), torch::zeros_like(weight), torch::zeros_like(weight)};
    return torch::native_batch_norm_backward(
        dy.contiguous(x.suggest_memory_format()), x, weight, mean, variance,
        /*save_mean=*/{}, /*save_invstd=*/{}, /*train=*/false, epsilon, {true, true, true});
  }
};

}  // namespace

torch::Tensor BatchNormImpl::forward(const torch::Tensor& x) {
  if (sum_ && is_training()) return forward_over_ranks(x);
  return BatchNorm2dImpl::forward(x);
}

torch::Tensor BatchNormImpl::forward_over_ranks(const torch::Tensor& x) {
  Statistics statistics;
  {
    const torch::NoGradGuard no_grad;
    statistics = statistics_over_ranks(x.detach(), sum_);
    const double momentum = options.momentum().value();
    running_mean.lerp_(statistics.mean, momentum);
    const torch::Tensor unbiased = statistics.count / (statistics.count - 1).clamp_min(1);
    running_var.lerp_(statistics.variance * unbiased.to(torch::kFloat32), momentum);
    num_batches_tracked += 1;
  }
  auto passport = c10::make_intrusive<Passport>();
  passport->sum = sum_;
  passport->epsilon = options.eps();
  return NormalizeOverRanks::apply(x, weight, bias, statistics, passport);
}

}  // namespace ft
