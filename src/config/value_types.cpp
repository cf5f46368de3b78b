#include "value_types.h"

#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>

namespace ft {
namespace {

// The whole of a plain scalar as a number, in the C locale; nullopt for anything else.
template <typename T>
std::optional<T> read_number(const YAML::Node& node) {
  if (!is_plain_scalar(node)) return std::nullopt;
  std::string_view text = node.Scalar();
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::string Integer::range() const {
  if (min == max) return fmt::format("{}", min);
  if (max == std::numeric_limits<int>::max()) return fmt::format(">= {}", min);
  return fmt::format("{} to {}", min, max);
}

std::string Integer::expected() const {
  if (min == max) return range();
  return fmt::format("an integer {}{}", max == std::numeric_limits<int>::max() ? "" : "from ", range());
}

int Integer::parse(const YAML::Node& node) const {
  const auto value = read_number<int>(node);
  if (!value || *value < min || *value > max) refuse(expected(), node);
  return *value;
}

std::uint64_t Seed::parse(const YAML::Node& node) const {
  const auto value = read_number<std::uint64_t>(node);
  if (!value) refuse(expected(), node);
  return *value;
}

std::string Number::range() const {
  const std::string low = fmt::format("{} {}", min_excluded ? ">" : ">=", min);
  return std::isinf(max) ? low : fmt::format("{} and {} {}", low, max_excluded ? "<" : "<=", max);
}

bool Number::contains(double value) const {
  return std::isfinite(value) && (min_excluded ? value > min : value >= min) &&
         (max_excluded ? value < max : value <= max);
}

double Number::parse(const YAML::Node& node) const {
  const auto value = read_number<double>(node);
  if (!value || !contains(*value)) refuse(expected(), node);
  return *value;
}

bool Boolean::parse(const YAML::Node& node) const {
  bool value = false;
  if (!is_plain_scalar(node) || !YAML::convert<bool>::decode(node, value)) refuse(expected(), node);
  return value;
}

std::string join_words(const std::vector<std::string>& words, const std::string& separator,
                       const std::string& last_separator) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? last_separator : separator;
    text += words[i];
  }
  return text;
}

Choice<std::string> word_of(const std::vector<std::string>& words) {
  Choice<std::string> choice;
  choice.options.reserve(words.size());
  for (const auto& word : words) choice.options.emplace_back(word, word);
  return choice;
}

std::string Text::type() const {
  auto all = words;
  all.push_back(kind);
  return join_words(all, "|", "|");
}

std::string Text::expected() const {
  auto all = words;
  all.push_back("a " + kind);
  return join_words(all, ", ", " or ");
}

std::string Text::parse(const YAML::Node& node) const {
  if (!node.IsScalar() || node.Scalar().empty()) refuse(expected(), node);
  return node.Scalar();
}

std::string OptionalPath::parse(const YAML::Node& node) const {
  if (!node.IsScalar() || node.Scalar().empty()) refuse(expected(), node);
  return node.Scalar() == "none" ? std::string() : node.Scalar();
}

FractionOrPath::Value FractionOrPath::parse(const YAML::Node& node) const {
  const auto number = read_number<double>(node);
  const bool is_path = !number && node.IsScalar() && !node.Scalar().empty();
  if (is_path) return node.Scalar();
  if (!number || !fraction().contains(*number)) refuse(expected(), node);
  return *number;
}

std::string FractionOrPath::format(const Value& value) const {
  if (const auto* number = std::get_if<double>(&value)) return fmt::format("{}", *number);
  return quote_if_needed(std::get<std::string>(value));
}

std::string Channels::expected() const {
  return fmt::format("imagenet or a list of three numbers {} such as [0.5, 0.5, 0.5]", each.range());
}

ChannelConstants Channels::parse(const YAML::Node& node) const {
  if (is_plain_scalar(node) && node.Scalar() == "imagenet") return imagenet;
  if (!node.IsSequence() || node.size() != 3) refuse(expected(), node);
  return {each.parse(node[0]), each.parse(node[1]), each.parse(node[2])};
}

std::string Channels::format(const ChannelConstants& value) const {
  if (value == imagenet) return "imagenet";
  return fmt::format("[{}, {}, {}]", value.r, value.g, value.b);
}

HeadRows HeadRowsMap::parse(const YAML::Node& node) const {
  if (node.IsScalar() && node.Scalar() == "xavier") return {};
  if (!node.IsMap() || node.size() == 0) refuse(expected(), node);
  HeadRows rows;
  for (const auto& entry : node) {
    const bool is_text = entry.first.IsScalar() && entry.second.IsScalar() && !entry.second.Scalar().empty();
    if (!is_text) refuse(expected(), entry.second);
    if (!rows.emplace(entry.first.Scalar(), entry.second.Scalar()).second) {
      throw BadValue(fmt::format("class '{}' is given twice", entry.first.Scalar()));
    }
  }
  return rows;
}

std::string HeadRowsMap::format(const HeadRows& rows) const {
  if (rows.empty()) return "xavier";
  std::string text;
  for (const auto& [name, row] : rows) {
    text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", quote_if_needed(name), quote_if_needed(row));
  }
  return fmt::format("{{{}}}", text);
}

}  // namespace ft
