#include "direct_plan.h"

#include <algorithm>

namespace ft {

namespace {

std::size_t divided_up(std::size_t value, std::size_t by) noexcept {
  return (value + by - 1) / by;
}

}  // namespace

DirectPlan::DirectPlan(std::size_t count, int world_size, std::size_t segment_elements) noexcept
    : count_(count), segment_elements_(std::max<std::size_t>(1, segment_elements)) {
  constexpr std::size_t kAlignment = 16;
  const std::size_t share = divided_up(count, static_cast<std::size_t>(world_size));
  chunk_elements_ = divided_up(share, kAlignment) * kAlignment;
}

DataPiece DirectPlan::chunk(int owner) const noexcept {
  const std::size_t begin = std::min(count_, static_cast<std::size_t>(owner) * chunk_elements_);
  return {begin, std::min(chunk_elements_, count_ - begin)};
}

std::size_t DirectPlan::segments(int owner) const noexcept {
  return divided_up(chunk(owner).count, segment_elements_);
}

DataPiece DirectPlan::segment(int owner, std::size_t index) const noexcept {
  const DataPiece whole = chunk(owner);
  const std::size_t offset = index * segment_elements_;
  return {whole.begin + offset, std::min(segment_elements_, whole.count - offset)};
}

}  // namespace ft
