// Finding the same picture twice among millions.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "picture_look.h"

namespace ft {

// The strongest that holds, strongest first.
enum class Likeness : std::uint8_t { kSameFile, kSamePixels, kLooksAlike, kMirrored };

// "the same file", "the same pixels", "looks the same", "looks the same in a mirror"
[[nodiscard]] const char* to_text(Likeness likeness) noexcept;

// Pictures 0 .. size()-1 of one set, 25 bytes each.
struct LooksOfSet {
  std::vector<std::uint64_t> file_xxh3;
  std::vector<std::uint64_t> pixels_xxh3;  // 0: unknown
  std::vector<std::uint64_t> hash;
  std::vector<std::uint8_t> telling;
  // Called for pairs whose hashes are near. Must be thread-safe.
  std::function<Thumbnail(std::uint64_t picture)> thumbnail;

  [[nodiscard]] std::size_t size() const noexcept { return file_xxh3.size(); }
  void add(std::uint64_t file, std::uint64_t pixels, std::uint64_t look, bool is_telling);
};

// `picture` repeats `original`.
struct Repeat {
  std::uint64_t picture;
  std::uint64_t original;
  Likeness likeness;
};

// The pictures of `set` that repeat an earlier one, each once, ascending. Time grows with the number of
// pictures and of pairs that are near, not with its square. A pure function of the set. `stop_requested` is
// asked every few hundred pictures, on the calling thread; throws Interrupted.
[[nodiscard]] std::vector<Repeat> find_repeats(const LooksOfSet& set, int workers,
                                               const std::function<bool()>& stop_requested);
// The pictures of `set` that repeat one of `other`, each once, ascending.
[[nodiscard]] std::vector<Repeat> find_repeats(const LooksOfSet& set, const LooksOfSet& other, int workers,
                                               const std::function<bool()>& stop_requested);

}  // namespace ft
