#include "picture_look.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numbers>
#include <span>

#include "ft/base/hash.h"

namespace ft {
namespace {

constexpr int kCells = 32;         // a side of the grid that the frequencies are taken from
constexpr int kPointsPerCell = 4;  // a side; a whole pass over the pixels would cost a third of a decode
constexpr int kPoints = kCells * kPointsPerCell;
constexpr int kFrequencies = 8;  // a side
constexpr int kCosineBits = 10;
// Below this deviation of the cells' grey levels a picture is taken for blank.
constexpr int kLeastDeviation = 6;
// Measured on pairs looked at by eye: docs/decisions.md. The pattern of light and dark must agree; the
// colours may be a filter apart.
constexpr double kLeastCorrelation = 0.985;
constexpr double kMostResidual = 4.0;
constexpr double kMostDifference = 24.0;

struct Cell {
  std::int32_t red = 0, green = 0, blue = 0;  // sums over its points
};

using Grid = std::array<std::array<Cell, kCells>, kCells>;
using Brightness = std::array<std::array<std::int32_t, kCells>, kCells>;
using CosineTable = std::array<std::array<std::int32_t, kCells>, kFrequencies>;

// In the middle of each of the kPoints equal parts of a side.
std::array<std::size_t, kPoints> points_along(int side) {
  std::array<std::size_t, kPoints> points;
  for (int i = 0; i < kPoints; ++i) {
    points[static_cast<std::size_t>(i)] =
        static_cast<std::size_t>((2 * static_cast<std::int64_t>(i) + 1) * side / (2 * kPoints));
  }
  return points;
}

RgbImage only_seen(const RgbImage& image) {
  const std::vector<int> rows = rows_seen(image.height());
  RgbImage seen(image.width(), static_cast<int>(rows.size()));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::ranges::copy(image.row(rows[i]), seen.row(static_cast<int>(i)).begin());
  }
  return seen;
}

Grid sample(Size size, const RgbImage& seen) {
  Grid grid{};
  std::array<std::size_t, kPoints> columns = points_along(size.width);
  for (std::size_t& column : columns) column *= 3;
  const std::array<std::size_t, kPoints> rows = points_along(size.height);
  for (std::size_t y = 0; y < kPoints; ++y) {
    // Of a small picture all rows are there, and some are seen more than once.
    const std::size_t place = size.height < kPoints ? rows[y] : y;
    const std::uint8_t* row = seen.row(static_cast<int>(place)).data();
    const std::size_t* column = columns.data();
    for (Cell& cell : grid[y / kPointsPerCell]) {
      Cell sum = cell;  // in registers
      for (int i = 0; i < kPointsPerCell; ++i) {
        const std::uint8_t* pixel = row + *column++;
        sum.red += pixel[0];
        sum.green += pixel[1];
        sum.blue += pixel[2];
      }
      cell = sum;
    }
  }
  return grid;
}

// Grey levels times 64.
Brightness brightness_of(const Grid& grid) {
  Brightness brightness;
  for (std::size_t y = 0; y < kCells; ++y) {
    for (std::size_t x = 0; x < kCells; ++x) {
      const Cell& cell = grid[y][x];
      brightness[y][x] = cell.red + 2 * cell.green + cell.blue;
    }
  }
  return brightness;
}

bool has_contrast(const Brightness& brightness) {
  constexpr std::int64_t kScale = 4LL * kPointsPerCell * kPointsPerCell;
  constexpr std::int64_t kCount = kCells * kCells;
  std::int64_t sum = 0;
  std::int64_t squares = 0;
  for (const auto& row : brightness) {
    for (const std::int64_t value : row) {
      sum += value;
      squares += value * value;
    }
  }
  const std::int64_t variance = squares / kCount - (sum / kCount) * (sum / kCount);
  return variance >= kLeastDeviation * kLeastDeviation * kScale * kScale;
}

CosineTable cosines() {
  CosineTable table;
  for (std::size_t u = 0; u < kFrequencies; ++u) {
    for (std::size_t x = 0; x < kCells; ++x) {
      const double angle = std::numbers::pi * static_cast<double>(u * (2 * x + 1)) / (2.0 * kCells);
      table[u][x] = static_cast<std::int32_t>(std::lround(std::cos(angle) * (1 << kCosineBits)));
    }
  }
  return table;
}

// Bit 8 v + u is the sign of the frequency u across and v down; bit 0, the mean, stays clear.
std::uint64_t signs_of_frequencies(const Brightness& brightness) {
  static const CosineTable cosine = cosines();
  std::array<std::array<std::int32_t, kCells>, kFrequencies> across{};  // [u][y]
  for (std::size_t u = 0; u < kFrequencies; ++u) {
    for (std::size_t y = 0; y < kCells; ++y) {
      std::int32_t sum = 0;  // at most 32 x 16320 x 1024
      for (std::size_t x = 0; x < kCells; ++x) sum += brightness[y][x] * cosine[u][x];
      across[u][y] = sum >> kCosineBits;
    }
  }
  std::uint64_t hash = 0;
  for (std::size_t v = 0; v < kFrequencies; ++v) {
    for (std::size_t u = 0; u < kFrequencies; ++u) {
      std::int64_t sum = 0;
      for (std::size_t y = 0; y < kCells; ++y) sum += std::int64_t{across[u][y]} * cosine[v][y];
      if (sum > 0) hash |= std::uint64_t{1} << (kFrequencies * v + u);
    }
  }
  return hash & ~std::uint64_t{1};
}

Thumbnail thumbnail_of(const Grid& grid) {
  constexpr int kPointsPerPixel = 4 * kPointsPerCell * kPointsPerCell;  // four cells make one
  Thumbnail thumbnail;
  std::size_t at = 0;
  for (std::size_t y = 0; y < kCells; y += 2) {
    for (std::size_t x = 0; x < kCells; x += 2) {
      const std::array<const Cell*, 4> four{&grid[y][x], &grid[y][x + 1], &grid[y + 1][x],
                                            &grid[y + 1][x + 1]};
      Cell sum;
      for (const Cell* cell : four) {
        sum.red += cell->red;
        sum.green += cell->green;
        sum.blue += cell->blue;
      }
      for (const std::int32_t colour : {sum.red, sum.green, sum.blue}) {
        thumbnail.pixels[at++] = static_cast<std::uint8_t>(colour / kPointsPerPixel);
      }
    }
  }
  return thumbnail;
}

std::uint64_t hash_of_pixels(Size size, const RgbImage& seen) {
  const std::uint64_t pixels = xxh3_64(std::as_bytes(seen.pixels()));
  const std::array<std::uint64_t, 3> all{static_cast<std::uint64_t>(size.width),
                                         static_cast<std::uint64_t>(size.height), pixels};
  return std::max<std::uint64_t>(1, xxh3_64(std::as_bytes(std::span(all))));
}

// How well the grey levels of one follow those of the other, whatever its brightness and contrast.
struct Agreement {
  double correlation = 0;
  double residual = 0;  // the deviation that is left, in grey levels
};

double grey_at(const Thumbnail& thumbnail, std::size_t at) {
  const auto& pixels = thumbnail.pixels;
  return static_cast<double>(pixels[at] + 2 * pixels[at + 1] + pixels[at + 2]);  // times 4
}

Agreement compare(const Thumbnail& a, const Thumbnail& b) {
  constexpr double kCount = Thumbnail::kSide * Thumbnail::kSide;
  // Sums of whole numbers, exact in doubles.
  double sum_a = 0;
  double sum_b = 0;
  double sum_aa = 0;
  double sum_bb = 0;
  double sum_ab = 0;
  for (std::size_t at = 0; at < a.pixels.size(); at += 3) {
    const double x = grey_at(a, at);
    const double y = grey_at(b, at);
    sum_a += x;
    sum_b += y;
    sum_aa += x * x;
    sum_bb += y * y;
    sum_ab += x * y;
  }
  const double variance_a = kCount * sum_aa - sum_a * sum_a;
  const double variance_b = kCount * sum_bb - sum_b * sum_b;
  if (variance_a <= 0 || variance_b <= 0) return {};
  const double correlation = (kCount * sum_ab - sum_a * sum_b) / std::sqrt(variance_a * variance_b);
  const double left = std::max(0.0, 1 - correlation * correlation) * std::max(variance_a, variance_b);
  return {.correlation = correlation, .residual = std::sqrt(left) / (4 * kCount)};
}

}  // namespace

std::vector<int> rows_seen(int height) {
  std::vector<int> rows;
  rows.reserve(kPoints);
  for (const std::size_t row : points_along(height)) {
    if (rows.empty() || static_cast<std::size_t>(rows.back()) != row) rows.push_back(static_cast<int>(row));
  }
  return rows;
}

PictureLook look_at(Size size, const RgbImage& rows) {
  if (size.width == 0 || size.height == 0) return {};
  if (rows.height() == size.height && size.height > kPoints) return look_at(size, only_seen(rows));
  const Grid grid = sample(size, rows);
  const Brightness brightness = brightness_of(grid);
  return {.pixels_xxh3 = hash_of_pixels(size, rows),
          .hash = signs_of_frequencies(brightness),
          .telling = has_contrast(brightness),
          .thumbnail = thumbnail_of(grid)};
}

Thumbnail mirrored(const Thumbnail& thumbnail) {
  constexpr std::size_t kSide = Thumbnail::kSide;
  Thumbnail result;
  for (std::size_t y = 0; y < kSide; ++y) {
    for (std::size_t x = 0; x < kSide; ++x) {
      const auto from =
          thumbnail.pixels.begin() + static_cast<std::ptrdiff_t>((y * kSide + kSide - 1 - x) * 3);
      std::copy_n(from, 3, result.pixels.begin() + static_cast<std::ptrdiff_t>((y * kSide + x) * 3));
    }
  }
  return result;
}

double mean_difference(const Thumbnail& a, const Thumbnail& b) {
  int sum = 0;
  for (std::size_t i = 0; i < a.pixels.size(); ++i) sum += std::abs(int{a.pixels[i]} - int{b.pixels[i]});
  return static_cast<double>(sum) / static_cast<double>(a.pixels.size());
}

double correlation(const Thumbnail& a, const Thumbnail& b) {
  return compare(a, b).correlation;
}

bool look_alike(const Thumbnail& a, const Thumbnail& b) {
  const Agreement agreement = compare(a, b);
  return agreement.correlation >= kLeastCorrelation && agreement.residual <= kMostResidual &&
         mean_difference(a, b) <= kMostDifference;
}

}  // namespace ft
