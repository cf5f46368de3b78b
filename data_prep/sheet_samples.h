// Which samples stand on a contact sheet, and in which order.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ft/data/packed_set.h"

namespace ft {

inline constexpr std::size_t kMostSheetClasses = 12;

struct ClassSamples {
  std::size_t label;
  bool from_end;  // the last ones, the very last first
  std::vector<std::uint64_t> ids;
};

struct SheetSamples {
  std::vector<ClassSamples> classes;
  std::size_t classes_left_out = 0;
};

// `per_class` samples (or as many as there are) of each class in `wanted`, in that order; all classes when it
// is empty, of which the first kMostSheetClasses are taken. Two classes make the figure of the chapter: the
// first samples of one, and the last of the other, from the end. UsageError for a name that is no class.
[[nodiscard]] SheetSamples choose_sheet_samples(const PackedSet& set, const std::vector<std::string>& wanted,
                                                std::size_t per_class);

}  // namespace ft
