// Exact counts of a classification, and what may be said from them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ft {

struct Interval {
  double low;
  double high;
};

// Wilson score interval for a proportion at 95% (z = 1.959964). Wilson, JASA 22 (1927); Brown, Cai and
// DasGupta, "Interval estimation for a binomial proportion" (2001), say why not the Wald interval. [0,1] when
// total is 0.
[[nodiscard]] Interval wilson_interval(std::uint64_t correct, std::uint64_t total) noexcept;

// counts[true][predicted].
class ConfusionMatrix {
 public:
  explicit ConfusionMatrix(std::size_t classes);
  // Throws std::out_of_range for an index that is no class.
  void add(std::size_t truth, std::size_t predicted, std::uint64_t count = 1);
  [[nodiscard]] std::uint64_t total() const noexcept;
  [[nodiscard]] std::uint64_t correct() const noexcept;
  [[nodiscard]] const std::vector<std::vector<std::uint64_t>>& counts() const noexcept { return counts_; }
  // correct / of that class; NaN-free: 0 for a class without samples.
  [[nodiscard]] std::vector<double> recall() const;

 private:
  std::vector<std::vector<std::uint64_t>> counts_;
};

}  // namespace ft
