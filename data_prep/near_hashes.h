// All hashes within a few bits of a given one, without looking at each.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "picture_look.h"

namespace ft {

// Two hashes at most 7 bits apart differ by at most one bit in one of their four 16-bit bands (else it would
// be eight): so it is enough to look up each band and its 16 neighbours. Where more than kMostOfOneBand
// distinct hashes share a band, as those of a film's frames do, only so many are looked at, the ones next to
// the sought hash in order: a near one may then be missed, unless another band that is near has few.
// Immutable; thread-safe.
class NearHashes {
 public:
  struct Member {
    std::uint64_t hash;
    std::uint32_t picture;
  };
  // About 30 bytes a member.
  explicit NearHashes(std::vector<Member> members);

  static constexpr std::size_t kMostOfOneBand = 256;

  // Calls visit(distance, pictures of that hash, ascending) for each distinct hash at most kNearBits from
  // `hash`, in ascending order. Returns how many hashes were looked at for that. A pure function of the set.
  template <class Visit>
  std::size_t visit_near(std::uint64_t hash, const Visit& visit) const {
    std::vector<std::uint32_t> near;
    const std::size_t looked_at = collect_near(hash, near);
    for (const std::uint32_t key : near) visit(std::popcount(hash ^ keys_[key]), pictures_of(key));
    return looked_at;
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
  // The keys that have `value` in this band, ascending; of too many, those around `place`.
  [[nodiscard]] std::span<const std::uint32_t> keys_with(int band, std::uint64_t value,
                                                         std::uint32_t place) const noexcept;
  [[nodiscard]] std::span<const std::uint32_t> pictures_of(std::uint32_t key) const noexcept {
    return {pictures_.data() + begin_[key], begin_[key + 1] - begin_[key]};
  }
  [[nodiscard]] Band sort_by_band(int band) const;
  // The near ones, ascending, each once. Returns how many were looked at.
  std::size_t collect_near(std::uint64_t hash, std::vector<std::uint32_t>& near) const;

  std::vector<std::uint64_t> keys_;   // the distinct hashes, ascending
  std::vector<std::uint32_t> begin_;  // of each one's pictures, one more than there are
  std::vector<std::uint32_t> pictures_;
  std::array<Band, kBands> bands_;
};

}  // namespace ft
