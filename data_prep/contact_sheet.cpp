#include "contact_sheet.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <opencv2/imgproc.hpp>

#include "ft/base/error.h"

namespace ft {
namespace {

constexpr int kFont = cv::FONT_HERSHEY_SIMPLEX;
constexpr double kFontScale = 0.5;
constexpr int kBaseline = 7;  // of a line of text, from its bottom

constexpr std::uint8_t kWhite = 255;
constexpr std::uint8_t kSquare =
    245;  // what a picture leaves free of its square: white pictures have an edge
constexpr int kLabelGrey = 25;
constexpr int kCaptionGrey = 110;

cv::Mat as_mat(RgbImage& image) {
  return {image.height(), image.width(), CV_8UC3, image.pixels().data()};
}

int text_width(const std::string& text) {
  int baseline = 0;
  return cv::getTextSize(text, kFont, kFontScale, 1, &baseline).width;
}

// With "..." in place of what is too long.
std::string cut_to(const std::string& text, int width) {
  if (text_width(text) <= width) return text;
  std::string cut = text;
  while (!cut.empty() && text_width(cut + "...") > width) cut.pop_back();
  return cut + "...";
}

void fill(RgbImage& image, const Box& box, std::uint8_t grey) {
  for (int y = box.top; y < box.top + box.height; ++y) {
    const auto row =
        image.row(y).subspan(static_cast<std::size_t>(box.left) * 3, static_cast<std::size_t>(box.width) * 3);
    std::fill(row.begin(), row.end(), grey);
  }
}

}  // namespace

Size fitted_size(int width, int height, int cell) noexcept {
  const auto shorter_side = [cell](int shorter, int longer) {
    return std::max(1, static_cast<int>(std::lround(static_cast<double>(cell) * shorter / longer)));
  };
  if (width >= height) return {cell, shorter_side(height, width)};
  return {shorter_side(width, height), cell};
}

std::string printable_ascii(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7F) {
      out += c;
    } else if (byte < 0x80 || byte >= 0xC0) {  // bytes between these continue a character
      out += '?';
    }
  }
  return out;
}

int ContactSheet::titles_y(const SheetText& text) noexcept {
  return kMargin + (text.caption.empty() ? 0 : kLine * static_cast<int>(text.caption.size()) + kCaptionGap);
}

ContactSheet::ContactSheet(const SheetText& text, int columns, int cell)
    : cell_(cell), first_row_y_(titles_y(text) + (text.columns.empty() ? 0 : kLine)) {
  const auto rows = static_cast<std::int64_t>(text.rows.size());
  const std::int64_t grid_width = std::int64_t{columns} * (cell + kGap) - kGap;
  const std::int64_t width = std::max<std::int64_t>(grid_width + 2 * kMargin, kLeastWidth);
  const std::int64_t height = first_row_y_ + rows * (kLine + cell + kRowGap) - kRowGap + kMargin;
  if (width * height > kMostPixels) {
    throw UsageError(fmt::format("the sheet would have {} x {} pixels", width, height),
                     "take fewer pictures or a smaller --cell");
  }
  sheet_.resize(static_cast<int>(width), static_cast<int>(height));
  fill(sheet_, {0, 0, sheet_.width(), sheet_.height()}, kWhite);
  write_all(text);
}

void ContactSheet::write_all(const SheetText& text) {
  const int line_width = sheet_.width() - 2 * kMargin;
  int y = kMargin;
  for (const std::string& line : text.caption) {
    write(line, kMargin, y, line_width, kCaptionGrey);
    y += kLine;
  }
  for (int column = 0; column < static_cast<int>(text.columns.size()); ++column) {
    write(text.columns[static_cast<std::size_t>(column)], square(0, column).left, titles_y(text), cell_,
          kLabelGrey);
  }
  for (int row = 0; row < static_cast<int>(text.rows.size()); ++row) {
    write(text.rows[static_cast<std::size_t>(row)], kMargin, square(row, 0).top - kLine, line_width,
          kLabelGrey);
  }
}

Box ContactSheet::square(int row, int column) const noexcept {
  return {kMargin + column * (cell_ + kGap), first_row_y_ + kLine + row * (kLine + cell_ + kRowGap), cell_,
          cell_};
}

void ContactSheet::place(int row, int column, const RgbImage& picture) {
  const Box at = square(row, column);
  fill(sheet_, at, kSquare);
  const Size size = fitted_size(picture.width(), picture.height(), cell_);
  resize_bilinear(picture, {0, 0, picture.width(), picture.height()}, size.width, size.height, resizer_,
                  fitted_);
  const int left = at.left + (cell_ - size.width) / 2;
  const int top = at.top + (cell_ - size.height) / 2;
  for (int y = 0; y < size.height; ++y) {
    std::ranges::copy(fitted_.row(y), sheet_.row(top + y).begin() + std::ptrdiff_t{3} * left);
  }
}

void ContactSheet::write(const std::string& text, int x, int y, int width, int grey) {
  cv::Mat pixels = as_mat(sheet_);
  cv::putText(pixels, cut_to(printable_ascii(text), width), {x, y + kLine - kBaseline}, kFont, kFontScale,
              cv::Scalar::all(grey), 1, cv::LINE_AA);
}

}  // namespace ft
