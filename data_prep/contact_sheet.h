// Drawing a contact sheet: pictures in squares, in rows with a line of text above each, on white.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ft/data/image.h"
#include "ft/data/resize.h"

namespace ft {

// Every text is cut to the sheet's width. The fonts know ASCII only: see printable_ascii.
struct SheetText {
  std::vector<std::string> caption;  // lines at the top
  std::vector<std::string> columns;  // titles; empty: none
  std::vector<std::string> rows;     // one label a row
};

class ContactSheet {
 public:
  static constexpr int kMargin = 14;     // around everything
  static constexpr int kGap = 6;         // between squares
  static constexpr int kLine = 22;       // height of a line of text
  static constexpr int kCaptionGap = 8;  // below the caption
  static constexpr int kRowGap = 10;     // below a row
  static constexpr int kLeastWidth = 640;
  static constexpr std::int64_t kMostPixels = std::int64_t{1} << 26;

  // As many rows as labels, of `columns` squares with sides of `cell` pixels. UsageError for more than
  // kMostPixels.
  ContactSheet(const SheetText& text, int columns, int cell);

  // The square of a place, counted from 0.
  [[nodiscard]] Box square(int row, int column) const noexcept;
  // Puts the picture there, whole and as large as fits, in the middle of the square.
  void place(int row, int column, const RgbImage& picture);

  [[nodiscard]] const RgbImage& image() const noexcept { return sheet_; }

 private:
  static int titles_y(const SheetText& text) noexcept;
  void write_all(const SheetText& text);
  void write(const std::string& text, int x, int y, int width, int grey);

  int cell_;
  int first_row_y_;
  RgbImage sheet_;
  RgbImage fitted_;
  Resizer resizer_;
};

// The largest size of the same shape that fits a square with sides of `cell`; no side becomes 0.
[[nodiscard]] Size fitted_size(int width, int height, int cell) noexcept;

// One '?' for each character (of UTF-8) that the fonts do not have.
[[nodiscard]] std::string printable_ascii(std::string_view text);

}  // namespace ft
