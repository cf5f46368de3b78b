#include "resample_table.h"

#include <algorithm>
#include <cmath>

namespace ft {
namespace {

double triangle(double x) {
  const double distance = std::abs(x);
  return distance < 1.0 ? 1.0 - distance : 0.0;
}

}  // namespace

// Each step in double and in this order: the last bit decides some weights, and with them some pixels.
void build_resample_table(int in_size, int out_size, OutputRange range, ResampleTable& table) {
  const double scale = static_cast<double>(in_size) / out_size;
  const double support = std::max(scale, 1.0);
  const double inverse = 1.0 / support;
  table.taps = static_cast<int>(std::ceil(support)) * 2 + 1;
  const auto taps = static_cast<std::size_t>(table.taps);
  const auto count = static_cast<std::size_t>(range.count);
  table.first.resize(count);
  table.count.resize(count);
  table.weights.assign(count * taps, 0);
  table.exact.resize(taps);
  for (std::size_t i = 0; i < count; ++i) {
    const double center = (range.first + static_cast<int>(i) + 0.5) * scale;
    const int first = std::max(static_cast<int>(center - support + 0.5), 0);
    const int used = std::min(static_cast<int>(center + support + 0.5), in_size) - first;
    double total = 0.0;
    for (int k = 0; k < used; ++k) {
      table.exact[k] = triangle((k + first - center + 0.5) * inverse);
      total += table.exact[k];
    }
    for (int k = 0; k < used; ++k) {
      table.weights[i * taps + k] =
          static_cast<std::int32_t>(0.5 + table.exact[k] / total * (1 << kFractionBits));
    }
    if (i == 0) table.origin = first;
    table.first[i] = first - table.origin;
    table.count[i] = used;
  }
  table.extent = table.first.back() + table.count.back();
}

}  // namespace ft
