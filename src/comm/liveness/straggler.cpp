#include "ft/comm/liveness/straggler.h"

#include <algorithm>

namespace ft {

namespace {

constexpr double kTooSlow = 2;

}  // namespace

std::vector<Straggler> StragglerWatch::judge(std::span<const RankPace> stretch) {
  slow_before_.resize(stretch.size());
  std::vector<double> paces;
  paces.reserve(stretch.size());
  for (const auto& rank : stretch) {
    if (rank.images > 0) paces.push_back(rank.seconds / static_cast<double>(rank.images));
  }
  std::vector<Straggler> found;
  if (paces.size() < 2) return found;
  const auto middle = paces.begin() + static_cast<std::ptrdiff_t>((paces.size() - 1) / 2);
  std::ranges::nth_element(paces, middle);
  const double median = *middle;
  for (std::size_t r = 0; r < stretch.size(); ++r) {
    const double pace =
        stretch[r].images > 0 ? stretch[r].seconds / static_cast<double>(stretch[r].images) : 0;
    const bool slow = median > 0 && pace >= kTooSlow * median;
    if (slow && !slow_before_[r]) found.push_back({static_cast<int>(r), pace / median});
    slow_before_[r] = slow;
  }
  return found;
}

}  // namespace ft
