// All hashes within a few bits of a given one, without looking at each.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "picture_look.h"

namespace ft {

// Two hashes at most 7 bits apart differ by at most one bit in one of their four 16-bit bands (else it would
// be eight): so it is enough to look up each band and its 16 neighbours. Immutable; thread-safe.
class NearHashes {
 public:
  struct Member {
    std::uint64_t hash;
    std::uint32_t picture;
  };
  // About 30 bytes a member.
  explicit NearHashes(std::vector<Member> members);

  // Calls visit(distance, pictures of that hash, ascending) for each distinct hash at most kNearBits from
  // `hash`.
  template <class Visit>
  void visit_near(std::uint64_t hash, const Visit& visit) const {
    for (int band = 0; band < kBands; ++band) {
      for (int flipped = -1; flipped < kBandBits; ++flipped) {
        const std::uint64_t flip = flipped < 0 ? 0 : std::uint64_t{1} << flipped;
        for (const std::uint32_t key : keys_with(band, band_of(hash, band) ^ flip)) {
          const std::uint64_t difference = hash ^ keys_[key];
          const int distance = std::popcount(difference);
          if (distance <= kNearBits && first_near_band(difference) == band) visit(distance, pictures_of(key));
        }
      }
    }
  }

 private:
  static constexpr int kBands = 4;
  static constexpr int kBandBits = 16;
  static_assert(kNearBits < 2 * kBands);

  struct Band {
    std::vector<std::uint32_t> begin;  // by value, one more than there are
    std::vector<std::uint32_t> keys;
  };

  [[nodiscard]] static std::uint64_t band_of(std::uint64_t hash, int band) noexcept {
    return (hash >> (band * kBandBits)) & ((std::uint64_t{1} << kBandBits) - 1);
  }
  // A pair that is near in several bands is visited in the first.
  [[nodiscard]] static int first_near_band(std::uint64_t difference) noexcept {
    int band = 0;
    while (std::popcount(band_of(difference, band)) > 1) ++band;
    return band;
  }
  [[nodiscard]] std::span<const std::uint32_t> keys_with(int band, std::uint64_t value) const noexcept {
    const Band& b = bands_[static_cast<std::size_t>(band)];
    return {b.keys.data() + b.begin[value], b.begin[value + 1] - b.begin[value]};
  }
  [[nodiscard]] std::span<const std::uint32_t> pictures_of(std::uint32_t key) const noexcept {
    return {pictures_.data() + begin_[key], begin_[key + 1] - begin_[key]};
  }
  [[nodiscard]] Band sort_by_band(int band) const;

  std::vector<std::uint64_t> keys_;   // the distinct hashes
  std::vector<std::uint32_t> begin_;  // of each one's pictures, one more than there are
  std::vector<std::uint32_t> pictures_;
  std::array<Band, kBands> bands_;
};

}  // namespace ft
