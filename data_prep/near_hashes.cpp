#include "near_hashes.h"

#include <algorithm>
#include <tuple>

namespace ft {

NearHashes::NearHashes(std::vector<Member> members) {
  std::sort(members.begin(), members.end(), [](const Member& a, const Member& b) {
    return std::tie(a.hash, a.picture) < std::tie(b.hash, b.picture);
  });
  pictures_.reserve(members.size());
  for (const Member& member : members) {
    if (keys_.empty() || keys_.back() != member.hash) {
      keys_.push_back(member.hash);
      begin_.push_back(static_cast<std::uint32_t>(pictures_.size()));
    }
    pictures_.push_back(member.picture);
  }
  begin_.push_back(static_cast<std::uint32_t>(pictures_.size()));
  members = {};
  for (int band = 0; band < kBands; ++band) bands_[static_cast<std::size_t>(band)] = sort_by_band(band);
}

// A counting sort.
NearHashes::Band NearHashes::sort_by_band(int band) const {
  Band sorted;
  sorted.begin.assign((std::size_t{1} << kBandBits) + 1, 0);
  for (const std::uint64_t key : keys_) ++sorted.begin[band_of(key, band) + 1];
  for (std::size_t i = 1; i < sorted.begin.size(); ++i) sorted.begin[i] += sorted.begin[i - 1];
  std::vector<std::uint32_t> next(sorted.begin.begin(), sorted.begin.end() - 1);
  sorted.keys.resize(keys_.size());
  for (std::uint32_t i = 0; i < keys_.size(); ++i) sorted.keys[next[band_of(keys_[i], band)]++] = i;
  return sorted;
}

std::span<const std::uint32_t> NearHashes::keys_with(int band, std::uint64_t value,
                                                     std::uint32_t place) const noexcept {
  const Band& b = bands_[static_cast<std::size_t>(band)];
  const std::span<const std::uint32_t> all(b.keys.data() + b.begin[value],
                                           b.begin[value + 1] - b.begin[value]);
  if (all.size() <= kMostOfOneBand) return all;
  const auto at = static_cast<std::size_t>(std::lower_bound(all.begin(), all.end(), place) - all.begin());
  const std::size_t begin = at - std::min(at, kMostOfOneBand / 2);
  return all.subspan(std::min(begin, all.size() - kMostOfOneBand), kMostOfOneBand);
}

std::size_t NearHashes::collect_near(std::uint64_t hash, std::vector<std::uint32_t>& near) const {
  const auto place =
      static_cast<std::uint32_t>(std::lower_bound(keys_.begin(), keys_.end(), hash) - keys_.begin());
  std::size_t looked_at = 0;
  for (int band = 0; band < kBands; ++band) {
    for (int flipped = -1; flipped < kBandBits; ++flipped) {
      const std::uint64_t flip = flipped < 0 ? 0 : std::uint64_t{1} << flipped;
      const std::span<const std::uint32_t> keys = keys_with(band, band_of(hash, band) ^ flip, place);
      looked_at += keys.size();
      for (const std::uint32_t key : keys) {
        if (std::popcount(hash ^ keys_[key]) <= kNearBits) near.push_back(key);
      }
    }
  }
  // A pair may be near in several bands.
  std::sort(near.begin(), near.end());
  near.erase(std::unique(near.begin(), near.end()), near.end());
  return looked_at;
}

}  // namespace ft
