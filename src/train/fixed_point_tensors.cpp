#include "fixed_point_tensors.h"

#include <atomic>
#include <cmath>
#include <span>

#include <ATen/Parallel.h>
#include <fmt/format.h>

namespace ft {
namespace {

// Elements a thread takes at a time.
constexpr std::int64_t kGrain = 1 << 16;
constexpr double kScale = 0x1p40;

}  // namespace

void add_to_sums_by_operators(const torch::Tensor& values, const torch::Tensor& sums,
                              const torch::Tensor& beyond, float limit, SumTerm term) {
  const torch::Tensor fits = values.abs() < limit;  // false for a NaN
  const torch::Tensor zero = torch::zeros({}, values.options());
  const torch::Tensor steps =
      torch::where(fits, values, zero).to(torch::kFloat64).mul_(kScale).round_().to(torch::kInt64);
  if (term == SumTerm::kFirst) {
    sums.copy_(steps);
  } else {
    sums.add_(steps);
  }
  values.copy_(torch::where(fits, zero, values));
  beyond.logical_or_(fits.logical_not().any());
}

void add_to_sums(const torch::Tensor& values, const torch::Tensor& sums, const torch::Tensor& beyond,
                 float limit, SumTerm term) {
  if (!values.is_cpu()) return add_to_sums_by_operators(values, sums, beyond, limit, term);
  auto* v = values.data_ptr<float>();
  auto* s = sums.data_ptr<std::int64_t>();
  std::atomic<bool> good = true;
  at::parallel_for(0, values.numel(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    const auto count = static_cast<std::size_t>(end - begin);
    if (!add_fixed_point({v + begin, count}, {s + begin, count}, limit, term)) good = false;
  });
  if (!good) beyond.fill_(true);
}

void from_sums(const torch::Tensor& sums, const torch::Tensor& values) {
  if (!values.is_cpu()) {
    values.copy_(sums.to(torch::kFloat32).mul_(static_cast<float>(1 / kScale)));
    return;
  }
  const auto* s = sums.data_ptr<std::int64_t>();
  auto* v = values.data_ptr<float>();
  at::parallel_for(0, values.numel(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    const auto count = static_cast<std::size_t>(end - begin);
    from_fixed_point({s + begin, count}, {v + begin, count});
  });
}

std::string describe_beyond(const std::string& what, const torch::Tensor& left, float limit) {
  // A NaN wins over every number.
  const float worst = left.abs().max().item<float>();
  if (!std::isfinite(worst)) return fmt::format("{} holds {}", what, std::isnan(worst) ? "nan" : "inf");
  return fmt::format("{} holds {:.3g}, beyond the {:.0f} that dist.elastic can add", what, worst, limit);
}

}  // namespace ft
