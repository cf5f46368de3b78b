#include "ft/report/accuracy.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace ft {

Interval wilson_interval(std::uint64_t correct, std::uint64_t total) noexcept {
  if (total == 0) return {0, 1};
  constexpr double kZ = 1.959964;
  const auto n = static_cast<double>(total);
  const double p = static_cast<double>(correct) / n;
  const double scale = 1 / (1 + kZ * kZ / n);
  const double centre = scale * (p + kZ * kZ / (2 * n));
  const double half_width = scale * kZ * std::sqrt(p * (1 - p) / n + kZ * kZ / (4 * n * n));
  // Exact at the ends, where rounding would leave 1e-17 or so.
  return {correct == 0 ? 0 : std::max(0.0, centre - half_width),
          correct == total ? 1 : std::min(1.0, centre + half_width)};
}

ConfusionMatrix::ConfusionMatrix(std::size_t classes)
    : counts_(classes, std::vector<std::uint64_t>(classes, 0)) {}

void ConfusionMatrix::add(std::size_t truth, std::size_t predicted, std::uint64_t count) {
  counts_.at(truth).at(predicted) += count;
}

std::uint64_t ConfusionMatrix::total() const noexcept {
  std::uint64_t sum = 0;
  for (const auto& row : counts_) sum = std::accumulate(row.begin(), row.end(), sum);
  return sum;
}

std::uint64_t ConfusionMatrix::correct() const noexcept {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < counts_.size(); ++i) sum += counts_[i][i];
  return sum;
}

std::vector<double> ConfusionMatrix::recall() const {
  std::vector<double> result;
  result.reserve(counts_.size());
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    const auto of_class = std::accumulate(counts_[i].begin(), counts_[i].end(), std::uint64_t{0});
    result.push_back(of_class == 0 ? 0 : static_cast<double>(counts_[i][i]) / static_cast<double>(of_class));
  }
  return result;
}

}  // namespace ft
