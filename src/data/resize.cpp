#include "ft/data/resize.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include <fmt/format.h>

#include "ft/base/error.h"

// The compiler's vectoriser does well on these loops, given a machine with 32-bit vector products; plain
// x86-64 has none. The dynamic linker picks the version for the machine at start-up, which the thread and
// address sanitizers do not survive.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define FT_VECTOR_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define FT_VECTOR_CLONES
#endif

namespace ft {
namespace {

// 32 bits less 8 for the pixel and 2 of headroom.
constexpr int kFractionBits = 22;
constexpr std::int32_t kHalf = 1 << (kFractionBits - 1);

// A stretch of one axis of the output.
struct Span {
  int first, count;
};

// Rows of a larger picture.
struct RowsView {
  const std::uint8_t* data;
  std::size_t stride;
  [[nodiscard]] const std::uint8_t* row(int y) const { return data + stride * static_cast<std::size_t>(y); }
};

double triangle(double x) {
  const double distance = std::abs(x);
  return distance < 1.0 ? 1.0 - distance : 0.0;
}

std::uint8_t to_pixel(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp(sum >> kFractionBits, 0, 255));
}

// The weights that scale `in_size` to `out_size`, for the outputs in `window` only. Each step in double and
// in this order: the last bit decides some weights, and with them some pixels.
void build_table(int in_size, int out_size, Span window, ResampleTable& table) {
  const double scale = static_cast<double>(in_size) / out_size;
  const double support = std::max(scale, 1.0);
  const double inverse = 1.0 / support;
  table.taps = static_cast<int>(std::ceil(support)) * 2 + 1;
  const auto taps = static_cast<std::size_t>(table.taps);
  const auto count = static_cast<std::size_t>(window.count);
  table.first.resize(count);
  table.count.resize(count);
  table.weights.resize(count * taps);
  table.exact.resize(taps);
  for (std::size_t i = 0; i < count; ++i) {
    const double center = (window.first + static_cast<int>(i) + 0.5) * scale;
    const int first = std::max(static_cast<int>(center - support + 0.5), 0);
    const int used = std::min(static_cast<int>(center + support + 0.5), in_size) - first;
    double total = 0.0;
    for (int k = 0; k < used; ++k) {
      table.exact[k] = triangle((k + first - center + 0.5) * inverse);
      total += table.exact[k];
    }
    for (int k = 0; k < used; ++k) {
      table.weights[i * taps + k] =
          static_cast<std::int32_t>(0.5 + table.exact[k] / total * (1 << kFractionBits));
    }
    if (i == 0) table.origin = first;
    table.first[i] = first - table.origin;
    table.count[i] = used;
  }
  table.extent = table.first.back() + table.count.back();
}

void filter_row(const std::uint8_t* in, const ResampleTable& table, std::uint8_t* out) {
  const std::int32_t* weights = table.weights.data();
  for (std::size_t i = 0; i < table.first.size(); ++i, weights += table.taps, out += 3) {
    const std::uint8_t* pixel = in + static_cast<std::ptrdiff_t>(table.first[i]) * 3;
    std::int32_t red = kHalf;
    std::int32_t green = kHalf;
    std::int32_t blue = kHalf;
    for (int k = 0; k < table.count[i]; ++k, pixel += 3) {
      red += pixel[0] * weights[k];
      green += pixel[1] * weights[k];
      blue += pixel[2] * weights[k];
    }
    out[0] = to_pixel(red);
    out[1] = to_pixel(green);
    out[2] = to_pixel(blue);
  }
}

FT_VECTOR_CLONES
void add_weighted_row(const std::uint8_t* __restrict in, std::int32_t weight, std::size_t bytes,
                      std::int32_t* __restrict sums) {
  for (std::size_t x = 0; x < bytes; ++x) sums[x] += in[x] * weight;
}

FT_VECTOR_CLONES
void store_row(const std::int32_t* __restrict sums, std::size_t bytes, std::uint8_t* __restrict out) {
  for (std::size_t x = 0; x < bytes; ++x) out[x] = to_pixel(sums[x]);
}

// `in` starts at the table's origin in both passes; `out` has rows without padding.
void horizontal_pass(RowsView in, int rows, const ResampleTable& table, std::uint8_t* out) {
  const std::size_t stride = table.first.size() * 3;
  for (int y = 0; y < rows; ++y, out += stride) filter_row(in.row(y), table, out);
}

void vertical_pass(RowsView in, std::size_t row_bytes, const ResampleTable& table,
                   std::vector<std::int32_t>& sums, std::uint8_t* out) {
  sums.resize(row_bytes);
  const std::int32_t* weights = table.weights.data();
  for (std::size_t i = 0; i < table.first.size(); ++i, weights += table.taps, out += row_bytes) {
    std::fill(sums.begin(), sums.end(), kHalf);
    for (int k = 0; k < table.count[i]; ++k) {
      add_weighted_row(in.row(table.first[i] + k), weights[k], row_bytes, sums.data());
    }
    store_row(sums.data(), row_bytes, out);
  }
}

// Pillow 13 goes down the columns first where the height loses more than twice the pixels that the width
// does. The order shows: each pass rounds.
bool vertical_first(const Box& box, Size size) {
  const std::int64_t rows_lost = std::int64_t{box.height} - size.height;
  const std::int64_t columns_lost = std::int64_t{box.width} - size.width;
  return rows_lost > 0 && rows_lost > 2 * columns_lost;
}

void check_inside(const char* what, const Box& box, Size size) {
  if (box.left < 0 || box.top < 0 || box.width <= 0 || box.height <= 0 || box.width > size.width - box.left ||
      box.height > size.height - box.top) {
    throw Error(ExitCode::kBug,
                fmt::format("{} {}x{} at ({}, {}) does not lie inside {}x{} pixels", what, box.width,
                            box.height, box.left, box.top, size.width, size.height));
  }
}

}  // namespace

void resize_bilinear(const RgbImage& image, Box box, int width, int height, ResizeScratch& scratch,
                     RgbImage& out) {
  resize_bilinear_window(image, box, {width, height}, {0, 0, width, height}, scratch, out);
}

void resize_bilinear_window(const RgbImage& image, Box box, Size size, Box window, ResizeScratch& scratch,
                            RgbImage& out) {
  check_inside("box", box, {image.width(), image.height()});
  check_inside("window", window, size);
  out.resize(window.width, window.height);

  // A pass that would change nothing is left out.
  const bool scale_x = size.width != box.width;
  const bool scale_y = size.height != box.height;
  ResampleTable& horizontal = scratch.horizontal;
  ResampleTable& vertical = scratch.vertical;
  std::vector<std::uint8_t>& between = scratch.rows;
  if (scale_x) build_table(box.width, size.width, {window.left, window.width}, horizontal);
  if (scale_y) build_table(box.height, size.height, {window.top, window.height}, vertical);
  const int left = box.left + (scale_x ? horizontal.origin : window.left);
  const int top = box.top + (scale_y ? vertical.origin : window.top);
  const RowsView in{image.row(top).data() + static_cast<std::size_t>(left) * 3, image.stride()};
  std::uint8_t* const target = out.pixels().data();

  if (scale_x && scale_y && vertical_first(box, size)) {
    const std::size_t row_bytes = static_cast<std::size_t>(horizontal.extent) * 3;
    between.resize(row_bytes * static_cast<std::size_t>(window.height));
    vertical_pass(in, row_bytes, vertical, scratch.sums, between.data());
    horizontal_pass({between.data(), row_bytes}, window.height, horizontal, target);
  } else if (scale_x && scale_y) {
    between.resize(out.stride() * static_cast<std::size_t>(vertical.extent));
    horizontal_pass(in, vertical.extent, horizontal, between.data());
    vertical_pass({between.data(), out.stride()}, out.stride(), vertical, scratch.sums, target);
  } else if (scale_x) {
    horizontal_pass(in, window.height, horizontal, target);
  } else if (scale_y) {
    vertical_pass(in, out.stride(), vertical, scratch.sums, target);
  } else {
    for (int y = 0; y < window.height; ++y) std::memcpy(out.row(y).data(), in.row(y), out.stride());
  }
}

}  // namespace ft
