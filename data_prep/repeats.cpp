#include "repeats.h"

#include <algorithm>
#include <optional>
#include <tuple>

#include "near_hashes.h"
#include "ordered_parallel.h"
#include "pack_pipeline.h"

namespace ft {
namespace {

constexpr std::uint64_t kBlock = 256;  // pictures that a thread takes at once
// What bounds the work where thousands of pictures have nearly one hash, as the frames of a film do: so many
// pictures of each hash, and so many in all, are compared.
constexpr std::size_t kPicturesOfOneHash = 4;
constexpr std::size_t kMostCompared = 32;

// The first picture that has a given value.
class FirstWith {
 public:
  explicit FirstWith(const std::vector<std::uint64_t>& values) {
    entries_.reserve(values.size());
    for (std::uint32_t i = 0; i < values.size(); ++i) {
      if (values[i] != 0) entries_.push_back({values[i], i});
    }
    std::sort(entries_.begin(), entries_.end());
  }

  [[nodiscard]] std::optional<std::uint64_t> find(std::uint64_t value) const {
    const auto at = std::lower_bound(entries_.begin(), entries_.end(), Entry{value, 0});
    if (at == entries_.end() || at->value != value) return std::nullopt;
    return at->picture;
  }

 private:
  struct Entry {
    std::uint64_t value;
    std::uint32_t picture;
    [[nodiscard]] bool operator<(const Entry& other) const {
      return std::tie(value, picture) < std::tie(other.value, other.picture);
    }
  };
  std::vector<Entry> entries_;
};

NearHashes index_of(const LooksOfSet& set) {
  std::vector<NearHashes::Member> members;
  for (std::uint32_t i = 0; i < set.size(); ++i) {
    if (set.telling[i] != 0) members.push_back({set.hash[i], i});
  }
  return NearHashes(std::move(members));
}

// Looks pictures of one set up in another, or in the part of the same one before each.
class Finder {
 public:
  Finder(const LooksOfSet& set, const LooksOfSet& other)
      : set_(set),
        other_(other),
        files_(other.file_xxh3),
        pixels_(other.pixels_xxh3),
        near_(index_of(other)) {}

  [[nodiscard]] std::optional<Repeat> find(std::uint64_t picture) const {
    if (const auto original = files_.find(set_.file_xxh3[picture]); original && counts(picture, *original)) {
      return Repeat{picture, *original, Likeness::kSameFile};
    }
    if (set_.pixels_xxh3[picture] != 0) {
      const auto original = pixels_.find(set_.pixels_xxh3[picture]);
      if (original && counts(picture, *original)) return Repeat{picture, *original, Likeness::kSamePixels};
    }
    if (set_.telling[picture] == 0) return std::nullopt;
    return find_alike(picture);
  }

 private:
  struct Candidate {
    int distance;
    bool is_mirrored;
    std::uint32_t picture;
    [[nodiscard]] bool operator<(const Candidate& other) const {
      return std::tie(distance, is_mirrored, picture) <
             std::tie(other.distance, other.is_mirrored, other.picture);
    }
  };

  // Within one set, only what comes before counts.
  [[nodiscard]] bool counts(std::uint64_t picture, std::uint64_t original) const {
    return &set_ != &other_ || original < picture;
  }

  [[nodiscard]] std::vector<Candidate> candidates_for(std::uint64_t picture) const {
    std::vector<Candidate> candidates;
    for (const bool is_mirrored : {false, true}) {
      const std::uint64_t hash = is_mirrored ? mirrored(set_.hash[picture]) : set_.hash[picture];
      near_.visit_near(hash, [&](int distance, std::span<const std::uint32_t> pictures) {
        for (const std::uint32_t original : pictures.first(std::min(pictures.size(), kPicturesOfOneHash))) {
          if (counts(picture, original)) candidates.push_back({distance, is_mirrored, original});
        }
      });
    }
    std::sort(candidates.begin(), candidates.end());
    if (candidates.size() > kMostCompared) candidates.resize(kMostCompared);
    return candidates;
  }

  [[nodiscard]] std::optional<Repeat> find_alike(std::uint64_t picture) const {
    const std::vector<Candidate> candidates = candidates_for(picture);
    if (candidates.empty()) return std::nullopt;
    const Thumbnail straight = set_.thumbnail(picture);
    const Thumbnail in_mirror = mirrored(straight);
    for (const Candidate& candidate : candidates) {
      if (!look_alike(candidate.is_mirrored ? in_mirror : straight, other_.thumbnail(candidate.picture)))
        continue;
      const Likeness likeness = candidate.is_mirrored ? Likeness::kMirrored : Likeness::kLooksAlike;
      return Repeat{picture, candidate.picture, likeness};
    }
    return std::nullopt;
  }

  const LooksOfSet& set_;
  const LooksOfSet& other_;
  FirstWith files_;
  FirstWith pixels_;
  NearHashes near_;
};

}  // namespace

const char* to_text(Likeness likeness) noexcept {
  switch (likeness) {
    case Likeness::kSameFile:
      return "the same file";
    case Likeness::kSamePixels:
      return "the same pixels";
    case Likeness::kLooksAlike:
      return "looks the same";
    case Likeness::kMirrored:
      break;
  }
  return "looks the same in a mirror";
}

void LooksOfSet::add(std::uint64_t file, std::uint64_t pixels, std::uint64_t look, bool is_telling) {
  file_xxh3.push_back(file);
  pixels_xxh3.push_back(pixels);
  hash.push_back(look);
  telling.push_back(is_telling ? 1 : 0);
}

std::vector<Repeat> find_repeats(const LooksOfSet& set, int workers,
                                 const std::function<bool()>& stop_requested) {
  return find_repeats(set, set, workers, stop_requested);
}

std::vector<Repeat> find_repeats(const LooksOfSet& set, const LooksOfSet& other, int workers,
                                 const std::function<bool()>& stop_requested) {
  const Finder finder(set, other);
  const std::size_t blocks = (set.size() + kBlock - 1) / kBlock;
  OrderedParallel<std::vector<Repeat>> found(blocks, workers, [&](std::size_t block) {
    std::vector<Repeat> repeats;
    const std::uint64_t end = std::min<std::uint64_t>(set.size(), (block + 1) * kBlock);
    for (std::uint64_t picture = block * kBlock; picture < end; ++picture) {
      if (const auto repeat = finder.find(picture)) repeats.push_back(*repeat);
    }
    return repeats;
  });
  std::vector<Repeat> all;
  for (std::size_t block = 0; block < blocks; ++block) {
    if (stop_requested()) throw Interrupted();
    const std::vector<Repeat> repeats = found.next();
    all.insert(all.end(), repeats.begin(), repeats.end());
  }
  return all;
}

}  // namespace ft
