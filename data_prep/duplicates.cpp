#include "duplicates.h"

#include <algorithm>

#include <fmt/format.h>

namespace ft {
namespace {

constexpr std::size_t kShown = 8;

std::string line_of(const DuplicatePair& pair) {
  const std::string labels =
      pair.label == pair.original_label
          ? ""
          : fmt::format(", labelled '{}' here and '{}' there", pair.label, pair.original_label);
  return fmt::format("  {}  =  {}: {}{}\n", pair.picture, pair.original, to_text(pair.likeness), labels);
}

std::string lines_of(const Duplicates& duplicates) {
  std::string text;
  for (std::size_t i = 0; i < std::min(kShown, duplicates.listed.size()); ++i) {
    text += line_of(duplicates.listed[i]);
  }
  if (duplicates.count > kShown) text += fmt::format("  and {} more\n", duplicates.count - kShown);
  return text;
}

std::string of_them_under_two_labels(const Duplicates& duplicates) {
  if (duplicates.under_two_labels == 0) return {};
  if (duplicates.count == 1) return ", under another label";
  return fmt::format(", {} of them under another label", duplicates.under_two_labels);
}

}  // namespace

Duplicates name_repeats(const std::vector<Repeat>& repeats, const PictureNames& set,
                        const PictureNames& other, std::size_t most) {
  Duplicates duplicates;
  duplicates.count = repeats.size();
  std::vector<DuplicatePair> of_one_label;
  for (const Repeat& repeat : repeats) {
    std::string label = set.label(repeat.picture);
    std::string original_label = other.label(repeat.original);
    const bool differ = label != original_label;
    if (differ) ++duplicates.under_two_labels;
    std::vector<DuplicatePair>& list = differ ? duplicates.listed : of_one_label;
    if (list.size() == most) continue;
    list.push_back({set.path(repeat.picture), other.path(repeat.original), repeat.likeness, std::move(label),
                    std::move(original_label)});
  }
  for (DuplicatePair& pair : of_one_label) {
    if (duplicates.listed.size() == most) break;
    duplicates.listed.push_back(std::move(pair));
  }
  return duplicates;
}

nlohmann::ordered_json to_json(const Duplicates& duplicates) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const DuplicatePair& pair : duplicates.listed) {
    nlohmann::ordered_json entry{
        {"path", pair.picture}, {"repeats", pair.original}, {"how", to_text(pair.likeness)}};
    if (pair.label != pair.original_label) entry["labels"] = {pair.label, pair.original_label};
    list.push_back(std::move(entry));
  }
  return {{"pictures", duplicates.count},
          {"under_two_labels", duplicates.under_two_labels},
          {"list", std::move(list)}};
}

std::string duplicates_text(const Duplicates& duplicates) {
  if (duplicates.count == 0) return {};
  return fmt::format("{} an earlier one{}:\n",
                     duplicates.count == 1 ? "1 picture repeats"
                                           : fmt::format("{} pictures repeat", duplicates.count),
                     of_them_under_two_labels(duplicates)) +
         lines_of(duplicates);
}

std::string overlap_text(const Duplicates& overlap, const std::string& set, const std::string& other) {
  if (overlap.count == 0) return fmt::format("no picture of {} is in {} too\n", set, other);
  return fmt::format(
             "warning: {} of {} {} in {} too{}: training on one and testing on the other measures memory\n",
             overlap.count == 1 ? "1 picture" : fmt::format("{} pictures", overlap.count), set,
             overlap.count == 1 ? "is" : "are", other, of_them_under_two_labels(overlap)) +
         lines_of(overlap);
}

}  // namespace ft
