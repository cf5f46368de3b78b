#include "yaml_text.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

#include "ft/config/schema.h"

namespace ft {
namespace {

// yaml-cpp tags a plain scalar "?" and a quoted one "!".
constexpr std::string_view kQuotedTag = "!";

// More than any value has; an anchor inside itself has no end.
constexpr int kDeepest = 8;

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_safe_plain(std::string_view text) {
  constexpr std::array<std::string_view, 4> kNulls = {"null", "Null", "NULL", "~"};
  constexpr std::string_view kPlainMarks = "_./+-";
  if (text.empty() || std::find(kNulls.begin(), kNulls.end(), text) != kNulls.end()) return false;
  // Other marks in front may mean a sequence, a document's end or something else that is not this text.
  const bool may_lead = text.front() == '-' || text.front() == '+' || text.front() == '.';
  const bool starts_well = is_letter_or_digit(text.front()) || text.front() == '/' ||
                           (may_lead && text.size() > 1 && is_letter_or_digit(text[1]));
  return starts_well && std::all_of(text.begin(), text.end(), [&](char c) {
           return is_letter_or_digit(c) || kPlainMarks.find(c) != std::string_view::npos;
         });
}

std::string escaped(char c) {
  if (c == '"' || c == '\\') return {'\\', c};
  const auto code = static_cast<unsigned char>(c);
  // Bytes from 0x80 on are parts of UTF-8 characters and stay as they are.
  return code < 0x20 || code == 0x7F ? fmt::format("\\x{:02x}", code) : std::string(1, c);
}

std::string flow_text_within(const YAML::Node& node, int levels) {
  if (levels == 0) throw BadValue("nested too deeply");
  if (node.IsNull()) return "~";
  if (node.IsSequence()) {
    std::string items;
    for (const auto& item : node) items += (items.empty() ? "" : ", ") + flow_text_within(item, levels - 1);
    return fmt::format("[{}]", items);
  }
  if (node.IsMap()) {
    std::string items;
    for (const auto& entry : node) {
      items += fmt::format("{}{}: {}", items.empty() ? "" : ", ", flow_text_within(entry.first, levels - 1),
                           flow_text_within(entry.second, levels - 1));
    }
    return fmt::format("{{{}}}", items);
  }
  const std::string text = quote_if_needed(node.Scalar());
  const bool lost_its_quotes = node.Tag() == kQuotedTag && !text.empty() && text.front() != '"';
  return lost_its_quotes ? fmt::format("\"{}\"", text) : text;
}

}  // namespace

std::string quote_if_needed(const std::string& text) {
  if (is_safe_plain(text)) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += escaped(c);
  return quoted + '"';
}

std::string flow_text(const YAML::Node& node) {
  return flow_text_within(node, kDeepest);
}

bool is_plain_scalar(const YAML::Node& node) {
  return node.IsScalar() && node.Tag() != kQuotedTag;
}

std::string describe(const YAML::Node& node) {
  if (node.IsSequence()) return "a list";
  if (node.IsMap()) return "a map";
  if (!node.IsScalar() || node.Scalar().empty()) return "nothing";
  // Quotes are worth a word only where they make the difference, as in "5".
  const bool quoted_for_no_need = !is_plain_scalar(node) && is_safe_plain(node.Scalar());
  return fmt::format("{}'{}'{}", quoted_for_no_need ? "the text " : "", node.Scalar(),
                     quoted_for_no_need ? " in quotes" : "");
}

}  // namespace ft
