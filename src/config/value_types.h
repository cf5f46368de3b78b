// The kinds of value that keys have. Each kind names itself for the reference (`type`, `range`) and for
// errors
// (`expected`), reads YAML or throws BadValue, and writes what it reads.
#pragma once

#include <limits>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include "ft/config/config.h"
#include "ft/config/schema.h"

#include "yaml_text.h"

namespace ft {

[[noreturn]] inline void refuse(const std::string& expected, const YAML::Node& node) {
  throw BadValue(fmt::format("expected {}, got {}", expected, describe(node)));
}

struct Integer {
  using Value = int;
  int min = 0;
  int max = std::numeric_limits<int>::max();

  [[nodiscard]] std::string type() const { return min == max ? range() : "integer"; }
  [[nodiscard]] std::string range() const;
  [[nodiscard]] std::string expected() const;
  [[nodiscard]] int parse(const YAML::Node& node) const;
  [[nodiscard]] std::string format(int value) const { return fmt::format("{}", value); }
};

struct Seed {
  using Value = std::uint64_t;

  [[nodiscard]] std::string type() const { return "integer"; }
  [[nodiscard]] std::string range() const { return ">= 0"; }
  [[nodiscard]] std::string expected() const { return "an integer from 0 to 2^64 - 1"; }
  [[nodiscard]] std::uint64_t parse(const YAML::Node& node) const;
  [[nodiscard]] std::string format(std::uint64_t value) const { return fmt::format("{}", value); }
};

// A finite number; either end of its range may itself be left out.
struct Number {
  using Value = double;
  double min = 0;
  double max = std::numeric_limits<double>::infinity();
  bool min_excluded = false;
  bool max_excluded = false;

  [[nodiscard]] std::string type() const { return "number"; }
  [[nodiscard]] std::string range() const;
  [[nodiscard]] std::string expected() const { return "a number " + range(); }
  [[nodiscard]] bool contains(double value) const;
  [[nodiscard]] double parse(const YAML::Node& node) const;
  [[nodiscard]] std::string format(double value) const { return fmt::format("{}", value); }
};

// A number from 0 up to but not including 1.
[[nodiscard]] constexpr Number fraction() {
  return {.min = 0, .max = 1, .max_excluded = true};
}

struct Boolean {
  using Value = bool;

  [[nodiscard]] std::string type() const { return "true|false"; }
  [[nodiscard]] std::string range() const { return {}; }
  [[nodiscard]] std::string expected() const { return "true or false"; }
  [[nodiscard]] bool parse(const YAML::Node& node) const;
  [[nodiscard]] std::string format(bool value) const { return value ? "true" : "false"; }
};

// One of a few words.
[[nodiscard]] std::string join_words(const std::vector<std::string>& words, const std::string& separator,
                                     const std::string& last_separator);

template <typename T>
struct Choice {
  using Value = T;
  std::vector<std::pair<std::string, T>> options;

  [[nodiscard]] std::string type() const { return join_words(words(), "|", "|"); }
  [[nodiscard]] std::string range() const { return {}; }
  [[nodiscard]] std::string expected() const { return join_words(words(), ", ", " or "); }
  [[nodiscard]] T parse(const YAML::Node& node) const {
    for (const auto& [word, value] : options) {
      if (node.IsScalar() && node.Scalar() == word) return value;
    }
    refuse(expected(), node);
  }
  [[nodiscard]] std::string format(const T& value) const {
    for (const auto& [word, option] : options) {
      if (option == value) return word;
    }
    // A value that no file can hold; set by code, shown as what it is not.
    return "?";
  }

 private:
  [[nodiscard]] std::vector<std::string> words() const {
    std::vector<std::string> result;
    result.reserve(options.size());
    for (const auto& option : options) result.push_back(option.first);
    return result;
  }
};

// Words that stand for themselves.
[[nodiscard]] Choice<std::string> word_of(const std::vector<std::string>& words);

// `auto`, or what `inner` reads.
template <typename Inner>
struct OrAuto {
  using Value = Auto<typename Inner::Value>;
  Inner inner;

  [[nodiscard]] std::string type() const { return "auto|" + inner.type(); }
  [[nodiscard]] std::string range() const { return inner.range(); }
  [[nodiscard]] std::string expected() const { return "auto or " + inner.expected(); }
  [[nodiscard]] Value parse(const YAML::Node& node) const {
    if (is_plain_scalar(node) && node.Scalar() == "auto") return std::nullopt;
    try {
      return inner.parse(node);
    } catch (const BadValue&) {
      refuse(expected(), node);
    }
  }
  [[nodiscard]] std::string format(const Value& value) const { return value ? inner.format(*value) : "auto"; }
};

// Free text that is not empty: a path or a name. `words` have a meaning of their own: they are listed first.
struct Text {
  using Value = std::string;
  std::string kind = "path";
  std::vector<std::string> words = {};

  [[nodiscard]] std::string type() const;
  [[nodiscard]] std::string range() const { return {}; }
  [[nodiscard]] std::string expected() const;
  [[nodiscard]] std::string parse(const YAML::Node& node) const;
  [[nodiscard]] std::string format(const std::string& value) const { return quote_if_needed(value); }
};

// A path, or `none`, which the program holds as an empty string.
struct OptionalPath {
  using Value = std::string;

  [[nodiscard]] std::string type() const { return "none|path"; }
  [[nodiscard]] std::string range() const { return {}; }
  [[nodiscard]] std::string expected() const { return "none or a path"; }
  [[nodiscard]] std::string parse(const YAML::Node& node) const;
  [[nodiscard]] std::string format(const std::string& value) const {
    return value.empty() ? "none" : quote_if_needed(value);
  }
};

struct FractionOrPath {
  using Value = std::variant<double, std::string>;

  [[nodiscard]] std::string type() const { return "number|path"; }
  [[nodiscard]] std::string range() const { return fraction().range(); }
  [[nodiscard]] std::string expected() const { return fraction().expected() + " or a path"; }
  [[nodiscard]] Value parse(const YAML::Node& node) const;
  [[nodiscard]] std::string format(const Value& value) const;
};

// Three numbers for red, green and blue, or `imagenet`.
struct Channels {
  using Value = ChannelConstants;
  ChannelConstants imagenet;
  Number each;

  [[nodiscard]] std::string type() const { return "imagenet|[r, g, b]"; }
  [[nodiscard]] std::string range() const { return each.range(); }
  [[nodiscard]] std::string expected() const;
  [[nodiscard]] ChannelConstants parse(const YAML::Node& node) const;
  [[nodiscard]] std::string format(const ChannelConstants& value) const;
};

// `xavier`, or a map from a class to the row of the source head that it starts from.
struct HeadRowsMap {
  using Value = HeadRows;

  [[nodiscard]] std::string type() const { return "xavier|{class: row}"; }
  [[nodiscard]] std::string range() const { return {}; }
  [[nodiscard]] std::string expected() const {
    return "xavier or a map of class: source row or class, such as {hot_dog: 934}";
  }
  [[nodiscard]] HeadRows parse(const YAML::Node& node) const;
  [[nodiscard]] std::string format(const HeadRows& rows) const;
};

// A list of what `each` reads.
template <typename Each>
struct ListOf {
  using Value = std::vector<typename Each::Value>;
  Each each;
  std::string items;    // "module names"
  std::string example;  // "[conv1, layer1]"

  [[nodiscard]] std::string type() const { return "list of " + items; }
  [[nodiscard]] std::string range() const { return each.range(); }
  [[nodiscard]] std::string expected() const {
    return fmt::format("a list of {} such as {}", items, example);
  }
  [[nodiscard]] Value parse(const YAML::Node& node) const {
    if (!node.IsSequence()) refuse(expected(), node);
    Value values;
    values.reserve(node.size());
    for (const auto& item : node) values.push_back(each.parse(item));
    return values;
  }
  [[nodiscard]] std::string format(const Value& values) const {
    std::string text;
    for (const auto& value : values) text += (text.empty() ? "" : ", ") + each.format(value);
    return fmt::format("[{}]", text);
  }
};

}  // namespace ft
