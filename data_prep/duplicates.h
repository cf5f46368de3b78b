// The same picture twice, in words: for the closing table, the manifest and `ft_pack duplicates`.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "repeats.h"

namespace ft {

struct DuplicatePair {
  std::string picture;
  std::string original;
  Likeness likeness;
  std::string label;
  std::string original_label;
};

struct Duplicates {
  std::uint64_t count = 0;             // pictures that repeat another
  std::uint64_t under_two_labels = 0;  // of these, the ones whose label is another than the original's
  std::vector<DuplicatePair> listed;   // as many as were asked for; those under two labels first
};

inline constexpr std::size_t kMostListed = 1000;  // in a manifest

// How the pictures of a set are called.
struct PictureNames {
  std::function<std::string(std::uint64_t)> path;
  std::function<std::string(std::uint64_t)> label;
};

// Lists the first `most`.
[[nodiscard]] Duplicates name_repeats(const std::vector<Repeat>& repeats, const PictureNames& set,
                                      const PictureNames& other, std::size_t most = kMostListed);

[[nodiscard]] nlohmann::ordered_json to_json(const Duplicates& duplicates);

// Within a set: "3 pictures repeat an earlier one, 1 of them under another label" and the first few. Empty
// without any.
[[nodiscard]] std::string duplicates_text(const Duplicates& duplicates);
// Between a set and another, as a warning.
[[nodiscard]] std::string overlap_text(const Duplicates& overlap, const std::string& set,
                                       const std::string& other);

}  // namespace ft
