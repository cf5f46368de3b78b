#include "ft/base/permutation.h"

#include <bit>

namespace ft {

Permutation::Permutation(std::uint64_t n, std::uint64_t seed, RandomUse use, std::uint32_t stream) noexcept
    : n_(n), seed_(seed), use_(use), stream_(stream) {
  const auto bits = static_cast<unsigned>(n > 1 ? std::bit_width(n - 1) : 1);
  half_bits_ = (bits + 1) / 2;
}

std::uint64_t Permutation::encrypt(std::uint64_t value) const noexcept {
  // Six rounds: with four, tiny domains (two samples: one bit a half) reach too few of their permutations.
  constexpr std::uint32_t kRounds = 6;
  const std::uint64_t mask = (std::uint64_t{1} << half_bits_) - 1;
  std::uint64_t left = value >> half_bits_;
  std::uint64_t right = value & mask;
  const std::array<std::uint32_t, 2> key{static_cast<std::uint32_t>(seed_),
                                         static_cast<std::uint32_t>(seed_ >> 32)};
  for (std::uint32_t round = 0; round < kRounds; ++round) {
    const PhiloxBlock block = philox4x32(
        {static_cast<std::uint32_t>(right), static_cast<std::uint32_t>(use_), stream_, round}, key);
    const std::uint64_t mixed = (left ^ block[0]) & mask;
    left = right;
    right = mixed;
  }
  return left << half_bits_ | right;
}

std::uint64_t Permutation::operator[](std::uint64_t position) const noexcept {
  std::uint64_t value = position;
  do {
    value = encrypt(value);
  } while (value >= n_);
  return value;
}

}  // namespace ft
