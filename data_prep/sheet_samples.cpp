#include "sheet_samples.h"

#include <algorithm>

#include <fmt/format.h>

#include "ft/base/error.h"

#include "class_selection.h"

namespace ft {
namespace {

std::vector<std::size_t> labels_of(const std::vector<std::string>& classes,
                                   const std::vector<std::string>& wanted) {
  std::vector<std::size_t> labels;
  for (const std::string& name : wanted) {
    const auto at = std::ranges::find(classes, name);
    if (at == classes.end()) {
      throw UsageError(fmt::format("--classes: there is no class '{}'", name),
                       fmt::format("did you mean '{}'?", nearest_name(name, classes)));
    }
    labels.push_back(static_cast<std::size_t>(at - classes.begin()));
  }
  if (wanted.empty()) {
    for (std::size_t label = 0; label < classes.size(); ++label) labels.push_back(label);
  }
  return labels;
}

std::vector<std::uint64_t> samples_of(const PackedSet& set, std::size_t label, bool from_end,
                                      std::size_t most) {
  std::vector<std::uint64_t> ids;
  for (std::uint64_t i = 0; i < set.size() && ids.size() < most; ++i) {
    const std::uint64_t id = from_end ? set.size() - 1 - i : i;
    if (static_cast<std::size_t>(set.info(id).label) == label) ids.push_back(id);
  }
  return ids;
}

}  // namespace

SheetSamples choose_sheet_samples(const PackedSet& set, const std::vector<std::string>& wanted,
                                  std::size_t per_class) {
  std::vector<std::size_t> labels = labels_of(set.classes(), wanted);
  SheetSamples samples;
  if (labels.size() > kMostSheetClasses) {
    samples.classes_left_out = labels.size() - kMostSheetClasses;
    labels.resize(kMostSheetClasses);
  }
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const bool from_end = labels.size() == 2 && i == 1;
    samples.classes.push_back({labels[i], from_end, samples_of(set, labels[i], from_end, per_class)});
  }
  return samples;
}

}  // namespace ft
