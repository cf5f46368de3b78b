#include "ft/comm/bucket_layout.h"

#include <algorithm>
#include <string>

#include "ft/base/error.h"

namespace ft {

namespace {

constexpr std::int64_t kElementBytes = sizeof(float);
constexpr std::int64_t kAlignment = 64 / kElementBytes;

std::int64_t aligned(std::int64_t elements) {
  return (elements + kAlignment - 1) / kAlignment * kAlignment;
}

}  // namespace

BucketLayout::BucketLayout(std::span<const ParameterSlot> parameters, std::size_t first_bucket_bytes,
                           std::size_t bucket_bytes) {
  auto capacity = static_cast<std::int64_t>(first_bucket_bytes) / kElementBytes;
  for (std::size_t p = parameters.size(); p-- > 0;) {
    const auto [elements, group] = parameters[p];
    if (elements < 0) {
      throw Error(ExitCode::kBug, "parameter " + std::to_string(p) + " has a negative number of elements");
    }
    const std::int64_t space = aligned(elements);
    const bool overflows = !buckets.empty() && buckets.back().length + space > capacity;
    if (buckets.empty() || overflows) {
      // The first bucket alone is small.
      if (overflows) capacity = static_cast<std::int64_t>(bucket_bytes) / kElementBytes;
      buckets.push_back({.offset = total_elements, .length = 0, .segments = {}});
    }
    buckets.back().segments.push_back(
        {.parameter = p, .offset = total_elements, .length = elements, .group = group});
    buckets.back().length += space;
    total_elements += space;
  }
}

}  // namespace ft
