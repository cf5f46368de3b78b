#include "source_head.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "ft/base/error.h"

namespace ft {
namespace {

constexpr std::size_t kMostListed = 10;

std::string list_names(const std::vector<std::string>& names) {
  const std::size_t shown = std::min(names.size(), kMostListed);
  return fmt::format("{}{}",
                     fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown), ", "),
                     shown < names.size() ? ", ..." : "");
}

std::vector<std::string> parse_class_metadata(const std::string& text, const std::filesystem::path& file) {
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  const bool strings =
      json.is_array() && std::ranges::all_of(json, [](const auto& item) { return item.is_string(); });
  if (!strings) {
    throw DataError(fmt::format("{}: metadata 'classes' is not a JSON array of strings", file.string()));
  }
  return json.get<std::vector<std::string>>();
}

std::vector<std::string> read_lines(const std::filesystem::path& file) {
  std::vector<std::string> lines;
  std::ifstream input(file);
  for (std::string line; std::getline(input, line);) {
    if (line.ends_with('\r')) line.pop_back();
    lines.push_back(line);
  }
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

std::optional<std::int64_t> parse_row(const std::string& text) {
  std::int64_t row = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), row);
  if (error != std::errc{} || end != text.data() + text.size() || row < 0) return {};
  return row;
}

std::int64_t find_class(const std::string& name, const std::vector<std::string>& classes) {
  const auto found = std::ranges::find(classes, name);
  if (found == classes.end()) {
    throw UsageError(fmt::format("model.head_init: '{}' is not a class of the training set", name),
                     fmt::format("its classes are {}", list_names(classes)));
  }
  return found - classes.begin();
}

std::int64_t find_source_row(const std::string& name, const std::string& source,
                             const std::vector<std::string>& source_classes, std::int64_t source_rows) {
  const std::string entry = fmt::format("model.head_init: {}: {}", name, source);
  if (source_rows == 0) throw UsageError(entry + ": the source has no head to copy from");
  if (const auto row = parse_row(source)) {
    if (*row >= source_rows) {
      throw UsageError(entry + ": the source has no such row",
                       fmt::format("its head has rows 0 to {}", source_rows - 1));
    }
    return *row;
  }
  const auto found = std::ranges::find(source_classes, source);
  if (found == source_classes.end()) {
    throw UsageError(
        entry + ": the source has no class of this name",
        source_classes.empty()
            ? "the source does not name its classes: give a row number, or put classes.txt beside it"
            : fmt::format("its classes are {}", list_names(source_classes)));
  }
  return found - source_classes.begin();
}

}  // namespace

std::vector<std::string> source_class_names(const TensorFile& file, std::int64_t head_rows) {
  if (const auto metadata = file.metadata.find("classes"); metadata != file.metadata.end()) {
    std::vector<std::string> names = parse_class_metadata(metadata->second, file.path);
    if (std::ssize(names) != head_rows) {
      throw DataError(fmt::format("{}: metadata names {} classes, but the head has {} rows",
                                  file.path.string(), names.size(), head_rows));
    }
    return names;
  }
  // A list of another length belongs to something else in that directory.
  std::vector<std::string> names = read_lines(file.path.parent_path() / "classes.txt");
  return std::ssize(names) == head_rows ? names : std::vector<std::string>{};
}

std::vector<RowCopy> resolve_head_rows(const HeadRows& wanted, const std::vector<std::string>& classes,
                                       const std::vector<std::string>& source_classes,
                                       std::int64_t source_rows) {
  std::vector<RowCopy> copies;
  for (const auto& [name, source] : wanted) {
    const std::int64_t to = find_class(name, classes);
    const std::int64_t from = find_source_row(name, source, source_classes, source_rows);
    std::string description = fmt::format("{} <- row {}", name, from);
    if (!source_classes.empty()) {
      description += fmt::format(" ({})", source_classes[static_cast<std::size_t>(from)]);
    }
    copies.push_back({to, from, std::move(description)});
  }
  return copies;
}

}  // namespace ft
