#include "class_selection.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "ft/base/error.h"

namespace ft {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Levenshtein's distance, one row of the table at a time.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (lower(a[i]) == lower(b[j]) ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

std::optional<std::size_t> index_of(const std::string& name, const std::vector<std::string>& names) {
  const auto at = std::find(names.begin(), names.end(), name);
  if (at == names.end()) return std::nullopt;
  return static_cast<std::size_t>(at - names.begin());
}

}  // namespace

const std::string& nearest_name(std::string_view name, const std::vector<std::string>& names) {
  return *std::min_element(names.begin(), names.end(), [name](const std::string& a, const std::string& b) {
    return edit_distance(name, a) < edit_distance(name, b);
  });
}

std::vector<std::size_t> select_classes(const std::vector<std::string>& found,
                                        const std::vector<std::string>& aliases,
                                        const std::vector<std::string>& wanted) {
  if (wanted.empty()) {
    std::vector<std::size_t> all(found.size());
    std::iota(all.begin(), all.end(), std::size_t{0});
    return all;
  }
  std::set<std::size_t> chosen;
  for (const std::string& name : wanted) {
    std::optional<std::size_t> index = index_of(name, found);
    if (!index) index = index_of(name, aliases);
    if (!index) {
      throw UsageError(fmt::format("--classes: there is no class '{}'", name),
                       found.empty() ? "" : fmt::format("did you mean '{}'?", nearest_name(name, found)));
    }
    chosen.insert(*index);
  }
  if (chosen.size() == 1) {
    throw UsageError(
        fmt::format("--classes: only '{}' is chosen, but a classifier needs two", wanted.front()));
  }
  return {chosen.begin(), chosen.end()};
}

}  // namespace ft
