#include "ft/report/table.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

#include "display_width.h"

namespace ft {
namespace {

constexpr std::size_t kGap = 2;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_number(const std::string& cell) {
  constexpr std::string_view kMarks = "+-.,%eE";
  const bool has_digit = std::any_of(cell.begin(), cell.end(), is_digit);
  const bool starts_well = !cell.empty() && (is_digit(cell[0]) || cell[0] == '-' || cell[0] == '+');
  return has_digit && starts_well && std::all_of(cell.begin(), cell.end(), [&](char c) {
           return is_digit(c) || kMarks.find(c) != std::string_view::npos;
         });
}

// Names of classes come from a file system, which allows anything.
std::string on_one_line(const std::string& cell) {
  std::string line;
  for (const char c : cell) {
    const auto byte = static_cast<unsigned char>(c);
    line += byte < 0x20 || byte == 0x7f ? fmt::format("\\x{:02x}", byte) : std::string(1, c);
  }
  return line;
}

void trim_right(std::string& line) {
  line.erase(line.find_last_not_of(' ') + 1);
}

// Writes one row; `right(column)` says which cells are set to the right.
template <typename Right>
std::string format_row(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths,
                       std::size_t indent, Right right) {
  std::string line(indent, ' ');
  for (std::size_t column = 0; column < cells.size(); ++column) {
    const std::string padding(widths[column] - display_width(cells[column]), ' ');
    line += right(column) ? padding + cells[column] : cells[column] + padding;
    line.append(kGap, ' ');
  }
  trim_right(line);
  return line + '\n';
}

}  // namespace

Table::Table(std::vector<std::string> header) : header_(std::move(header)) {}

void Table::add_row(std::vector<std::string> cells) {
  for (std::string& cell : cells) cell = on_one_line(cell);
  rows_.push_back(std::move(cells));
}

std::string Table::to_string(int indent) const {
  std::size_t columns = header_.size();
  for (const auto& row : rows_) columns = std::max(columns, row.size());

  std::vector<std::size_t> widths(columns, 0);
  std::vector<bool> numeric(columns, !rows_.empty());
  for (std::size_t i = 0; i < header_.size(); ++i) widths[i] = display_width(header_[i]);
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], display_width(row[i]));
      if (!row[i].empty() && !is_number(row[i])) numeric[i] = false;
    }
  }

  const auto margin = static_cast<std::size_t>(std::max(indent, 0));
  std::string text;
  if (!header_.empty()) {
    text += format_row(header_, widths, margin, [&](std::size_t i) { return numeric[i]; });
    std::vector<std::string> rule;
    rule.reserve(columns);
    for (const std::size_t width : widths) rule.emplace_back(width, '-');
    text += format_row(rule, widths, margin, [](std::size_t) { return false; });
  }
  for (const auto& row : rows_) {
    text += format_row(row, widths, margin, [&](std::size_t i) { return is_number(row[i]); });
  }
  return text;
}

std::string format_bytes(std::uint64_t bytes) {
  constexpr std::array kUnits = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  // 1023.95 would print as 1024.0.
  while (value >= 1023.95 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

}  // namespace ft
