#include "ft/base/philox.h"

#include <limits>

namespace ft {
namespace {

struct Product {
  std::uint32_t high, low;
};

constexpr Product multiply(std::uint32_t a, std::uint32_t b) noexcept {
  const std::uint64_t product = std::uint64_t{a} * b;
  return {static_cast<std::uint32_t>(product >> 32), static_cast<std::uint32_t>(product)};
}

}  // namespace

PhiloxBlock philox4x32(PhiloxBlock counter, std::array<std::uint32_t, 2> key) noexcept {
  constexpr std::uint32_t kMultiplier0 = 0xD2511F53, kMultiplier1 = 0xCD9E8D57;
  constexpr std::uint32_t kWeyl0 = 0x9E3779B9, kWeyl1 = 0xBB67AE85;
  constexpr int kRounds = 10;
  for (int round = 0; round < kRounds; ++round) {
    const auto [high0, low0] = multiply(kMultiplier0, counter[0]);
    const auto [high1, low1] = multiply(kMultiplier1, counter[2]);
    counter = {high1 ^ counter[1] ^ key[0], low1, high0 ^ counter[3] ^ key[1], low0};
    key[0] += kWeyl0;
    key[1] += kWeyl1;
  }
  return counter;
}

RandomStream::RandomStream(std::uint64_t seed, RandomUse use, std::uint32_t a, std::uint32_t b) noexcept
    : key_{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)},
      counter_{0, static_cast<std::uint32_t>(use), a, b} {}

std::uint32_t RandomStream::next_u32() noexcept {
  if (used_ == block_.size()) {
    block_ = philox4x32(counter_, key_);
    ++counter_[0];
    used_ = 0;
  }
  return block_[used_++];
}

double RandomStream::next_double() noexcept {
  const std::uint64_t high = next_u32() >> 5;  // 27 bits
  const std::uint64_t low = next_u32() >> 6;   // 26 bits
  return static_cast<double>(high << 26 | low) * 0x1p-53;
}

std::uint32_t RandomStream::below(std::uint32_t n) noexcept {
  // Values past the last whole multiple of n would favour small results.
  const std::uint32_t limit =
      std::numeric_limits<std::uint32_t>::max() - (std::numeric_limits<std::uint32_t>::max() % n + 1) % n;
  std::uint32_t value = next_u32();
  while (value > limit) value = next_u32();
  return value % n;
}

}  // namespace ft
