// Counter-based random numbers: a pure function of (key, counter), so that what is drawn for a sample depends
// on nothing but the sample. Philox4x32-10 of Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy
// as 1, 2, 3" (SC 2011); its known-answer vectors are in the unit test.
#pragma once

#include <array>
#include <cstdint>

namespace ft {

using PhiloxBlock = std::array<std::uint32_t, 4>;

[[nodiscard]] PhiloxBlock philox4x32(PhiloxBlock counter, std::array<std::uint32_t, 2> key) noexcept;

// What a stream is for. Part of the counter, so that two uses never share numbers. Values are fixed for ever:
// they are part of what a seed means.
enum class RandomUse : std::uint32_t {
  kShardPlacement = 1,
  kEpochOrder = 2,
  kAugment = 3,
  kHeadInit = 4,
  kValSplit = 5,
  kShardOrder = 6,
  kShardWindow = 7
};

// The numbers for one (seed, use, a, b): a is an epoch or a layer, b a sample id (a set holds under 2^32).
// Not thread-safe; a value type, cheap to make.
class RandomStream {
 public:
  RandomStream(std::uint64_t seed, RandomUse use, std::uint32_t a, std::uint32_t b) noexcept;

  [[nodiscard]] std::uint32_t next_u32() noexcept;
  // Uniform in [0, 1), 53 bits.
  [[nodiscard]] double next_double() noexcept;
  // Uniform in [lo, hi).
  [[nodiscard]] double uniform(double lo, double hi) noexcept { return lo + (hi - lo) * next_double(); }
  // Uniform in [0, n), unbiased; n > 0.
  [[nodiscard]] std::uint32_t below(std::uint32_t n) noexcept;

 private:
  std::array<std::uint32_t, 2> key_;
  PhiloxBlock counter_;
  PhiloxBlock block_{};
  unsigned used_ = 4;
};

}  // namespace ft
