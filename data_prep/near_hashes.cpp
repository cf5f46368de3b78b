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

}  // namespace ft
