// Plain text tables for terminals: columns aligned, numbers to the right.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ft {

class Table {
 public:
  // An empty header prints rows only.
  explicit Table(std::vector<std::string> header = {});
  // Rows may be of different lengths.
  // Control characters appear as "\x0a".
  void add_row(std::vector<std::string> cells);
  // Aligned by display width (UTF-8 code points); a cell that is a number ("-0.5", "1,234", "43%") goes
  // right, a heading goes with its column. Ends with a newline.
  [[nodiscard]] std::string to_string(int indent = 2) const;

 private:
  std::vector<std::string> header_;
  std::vector<std::vector<std::string>> rows_;
};

// "1.2 MiB", "980 B"
[[nodiscard]] std::string format_bytes(std::uint64_t bytes);

}  // namespace ft
