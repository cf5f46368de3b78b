#include "ft/data/resize.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include <fmt/format.h>

#include "ft/base/error.h"

#include "resize_kernels.h"

namespace ft {
namespace {

// Pillow 13 goes down the columns first where the height loses more than twice the pixels that the width
// does. The order shows: each pass rounds.
bool vertical_first(const Box& box, Size size) {
  const std::int64_t rows_lost = std::int64_t{box.height} - size.height;
  const std::int64_t columns_lost = std::int64_t{box.width} - size.width;
  return rows_lost > 0 && rows_lost > 2 * columns_lost;
}

void check_inside(const char* what, const Box& box, const Box& whole) {
  if (box.width <= 0 || box.height <= 0 || !whole.contains(box)) {
    throw Error(
        ExitCode::kBug,
        fmt::format("{} {}x{} at ({}, {}) does not lie inside {}x{} pixels at ({}, {})", what, box.width,
                    box.height, box.left, box.top, whole.width, whole.height, whole.left, whole.top));
  }
}

// Rows that a pass reads: from the table's origin on, in both directions.
struct Rows {
  const std::uint8_t* data;
  std::size_t stride;
  const std::uint8_t* end;
  [[nodiscard]] const std::uint8_t* row(int y) const { return data + stride * static_cast<std::size_t>(y); }
};

}  // namespace

struct Resizer::Impl {
  void horizontal(const Rows& in, int first, int count, std::uint8_t* out) const {
    for (int y = first; y < first + count; ++y, out += row_bytes()) {
      const std::uint8_t* row = in.row(y);
      kernels.filter_row(row, static_cast<std::size_t>(in.end - row), x_table, out);
    }
  }

  void vertical(const Rows& in, std::size_t bytes, int first, int count, std::uint8_t* out) const {
    for (int i = first; i < first + count; ++i, out += bytes) {
      const auto weights =
          y_table.weights_of(i).first(static_cast<std::size_t>(y_table.count[static_cast<std::size_t>(i)]));
      kernels.blend_rows(in.row(y_table.first[static_cast<std::size_t>(i)]), in.stride, weights, bytes, out);
    }
  }

  [[nodiscard]] std::size_t row_bytes() const {
    return std::size_t{3} * static_cast<std::size_t>(plan.window.width);
  }

  // Makes `between`, `bytes` a row, what the second pass reads.
  std::uint8_t* start_between(std::size_t bytes, int rows) {
    const std::size_t total = bytes * static_cast<std::size_t>(rows);
    if (between.size() < total) between.resize(total);
    source = {between.data(), bytes, between.data() + total};
    return between.data();
  }

  const ResizeKernels& kernels = *resize_kernels().front();
  ResizePlan plan{};
  bool scale_x = false, scale_y = false, columns_first = false;
  Box needed{};
  ResampleTable x_table, y_table;
  std::vector<std::uint8_t> between;  // the passes
  Rows source{};                      // of the last pass
};

Resizer::Resizer() : impl_(std::make_unique<Impl>()) {}
Resizer::Resizer(Resizer&&) noexcept = default;
Resizer& Resizer::operator=(Resizer&&) noexcept = default;
Resizer::~Resizer() = default;

Box Resizer::prepare(const ResizePlan& plan) {
  Impl& self = *impl_;
  check_inside("window", plan.window, {0, 0, plan.size.width, plan.size.height});
  const auto& [box, size, window] = plan;
  self.plan = plan;
  // A pass that would change nothing is left out.
  self.scale_x = size.width != box.width;
  self.scale_y = size.height != box.height;
  self.columns_first = self.scale_x && self.scale_y && vertical_first(box, size);
  Box& needed = self.needed;
  needed = {box.left + window.left, box.top + window.top, window.width, window.height};
  if (self.scale_x) {
    build_resample_table(box.width, size.width, {window.left, window.width}, self.x_table);
    self.kernels.pack(self.x_table);
    needed.left = box.left + self.x_table.origin;
    needed.width = self.x_table.extent;
  }
  if (self.scale_y) {
    build_resample_table(box.height, size.height, {window.top, window.height}, self.y_table);
    needed.top = box.top + self.y_table.origin;
    needed.height = self.y_table.extent;
  }
  return needed;
}

void Resizer::begin(const RgbView& picture) {
  Impl& self = *impl_;
  const Box& needed = self.needed;
  check_inside("what is needed,", needed, picture.box);
  const Rows in{picture.at(needed.left, needed.top), picture.stride, picture.end()};
  if (!(self.scale_x && self.scale_y)) {
    self.source = in;
  } else if (self.columns_first) {
    const std::size_t bytes = std::size_t{3} * static_cast<std::size_t>(needed.width);
    std::uint8_t* between = self.start_between(bytes, self.plan.window.height);
    self.vertical(in, bytes, 0, self.plan.window.height, between);
  } else {
    std::uint8_t* between = self.start_between(self.row_bytes(), needed.height);
    self.horizontal(in, 0, needed.height, between);
  }
}

void Resizer::rows(int first, int count, std::uint8_t* out) {
  const Impl& self = *impl_;
  if (self.scale_x && (self.columns_first || !self.scale_y)) {
    self.horizontal(self.source, first, count, out);
  } else if (self.scale_y) {
    self.vertical(self.source, self.row_bytes(), first, count, out);
  } else {
    for (int y = first; y < first + count; ++y, out += self.row_bytes()) {
      std::memcpy(out, self.source.row(y), self.row_bytes());
    }
  }
}

void resize_bilinear(const RgbImage& image, Box box, int width, int height, Resizer& resizer, RgbImage& out) {
  check_inside("box", box, {0, 0, image.width(), image.height()});
  out.resize(width, height);
  resizer.prepare({box, {width, height}, {0, 0, width, height}});
  resizer.begin(view_of(image));
  resizer.rows(0, height, out.pixels().data());
}

}  // namespace ft
