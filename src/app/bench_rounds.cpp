#include "bench_rounds.h"

#include <algorithm>

namespace ft::app {

int next_rounds(double elapsed_s, int rounds_done, double given_s, int most_rounds) noexcept {
  if (rounds_done == 0) return 1;
  const double left_s = given_s - elapsed_s;
  const double round_s = std::max(elapsed_s / rounds_done, 1e-9);
  if (left_s < round_s) return 0;
  const double half = std::max(1.0, left_s / round_s / 2);
  return static_cast<int>(std::min<double>(half, most_rounds - rounds_done));
}

}  // namespace ft::app
