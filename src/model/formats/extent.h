// Sizes of tensors that a file claims, computed without trusting it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace ft {

// The product of the extents; nothing if one is negative or the tensor's bytes could not be addressed.
[[nodiscard]] inline std::optional<std::int64_t> checked_element_count(std::span<const std::int64_t> shape) {
  constexpr std::int64_t kMostElements = std::int64_t{1} << 48;
  std::int64_t count = 1;
  for (const std::int64_t extent : shape) {
    if (extent < 0 || __builtin_mul_overflow(count, extent, &count) || count > kMostElements) return {};
  }
  return count;
}

// How many elements of storage the tensor spans from its first to its last; nothing if that cannot be.
[[nodiscard]] inline std::optional<std::int64_t> checked_span(std::span<const std::int64_t> shape,
                                                              std::span<const std::int64_t> strides) {
  const auto count = checked_element_count(shape);
  if (!count || shape.size() != strides.size()) return {};
  if (*count == 0) return 0;
  std::int64_t last = 0;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    std::int64_t reach = 0;
    if (strides[i] < 0 || __builtin_mul_overflow(shape[i] - 1, strides[i], &reach) ||
        __builtin_add_overflow(last, reach, &last)) {
      return {};
    }
  }
  if (__builtin_add_overflow(last, 1, &last)) return {};
  return last;
}

}  // namespace ft
