// A random permutation of [0, n) that needs no array: position -> index in O(1) time and memory.
// A six-round Feistel network over the smallest even number of bits that holds n, with Philox as the round
// function, walked until the value falls below n (Black and Rogaway, "Ciphers with arbitrary finite domains",
// CT-RSA 2002). The domain is under 4n, so the walk takes under four steps on average.
#pragma once

#include <cstdint>

#include "ft/base/philox.h"

namespace ft {

class Permutation {
 public:
  // A pure function of its arguments. n may be 0 (then there is nothing to ask for).
  Permutation(std::uint64_t n, std::uint64_t seed, RandomUse use, std::uint32_t stream) noexcept;

  [[nodiscard]] std::uint64_t size() const noexcept { return n_; }
  // The index at `position` < size(). Thread-safe.
  [[nodiscard]] std::uint64_t operator[](std::uint64_t position) const noexcept;

 private:
  [[nodiscard]] std::uint64_t encrypt(std::uint64_t value) const noexcept;

  std::uint64_t n_;
  std::uint64_t seed_;
  RandomUse use_;
  std::uint32_t stream_;
  unsigned half_bits_;
};

}  // namespace ft
