#include "ft/data/transform.h"

#include <algorithm>
#include <cmath>

namespace ft {
namespace {

Size resized_size(Size picture, const TransformOptions& options) {
  const int side = options.resize;
  if (!options.resize_shorter) return {side, side};
  const auto longer_side = [side](int longer, int shorter) {
    return static_cast<int>(static_cast<double>(side) * longer / shorter);
  };
  if (picture.width <= picture.height) return {side, longer_side(picture.height, picture.width)};
  return {longer_side(picture.width, picture.height), side};
}

// One axis of CenterCrop: which pixels stay, and how many zeros come before them.
struct CenterCut {
  int first, count, before;
};

CenterCut center_cut(int size, int crop) {
  if (size < crop) return {0, size, (crop - size) / 2};
  // Python's round(): halves go to even, so that cutting 3 off takes 2 before and 1 after, but 5 off 2 and 3.
  return {static_cast<int>(std::nearbyint((size - crop) / 2.0)), crop, 0};
}

void run_plan(const RgbImage& image, const PixelPlan& plan, Resizer& resizer, RgbImage& out) {
  const PixelWriter writer({PixelType::kUint8, PixelLayout::kNhwc}, {}, {1, 1, 1});
  RgbImage resized(plan.resize.window.width, plan.resize.window.height);
  resizer.prepare(plan.resize);
  resizer.begin(view_of(image));
  resizer.rows(0, resized.height(), resized.pixels().data());
  out.resize(plan.side, plan.side);
  writer.write(plan, 0, plan.side, resized.pixels().data(), std::as_writable_bytes(out.pixels()));
}

}  // namespace

PixelPlan train_plan(const AugmentDraw& draw, int image_size) {
  const Size size{image_size, image_size};
  return {.resize = {draw.crop, size, {0, 0, image_size, image_size}}, .flip = draw.flip, .side = image_size};
}

PixelPlan test_plan(Size picture, const TransformOptions& options) {
  const int side = options.image_size;
  const Size size = resized_size(picture, options);
  const CenterCut x = center_cut(size.width, side);
  const CenterCut y = center_cut(size.height, side);
  return {.resize = {{0, 0, picture.width, picture.height}, size, {x.first, y.first, x.count, y.count}},
          .side = side,
          .left = x.before,
          .top = y.before};
}

CoveredRows covered_rows(const PixelPlan& plan, int first, int count) noexcept {
  const int height = plan.resize.window.height;
  const int begin = std::clamp(first - plan.top, 0, height);
  const int end = std::clamp(first + count - plan.top, 0, height);
  return {begin, end - begin};
}

void train_pixels(const RgbImage& image, const AugmentDraw& draw, int image_size, Resizer& resizer,
                  RgbImage& out) {
  run_plan(image, train_plan(draw, image_size), resizer, out);
}

void test_pixels(const RgbImage& image, const TransformOptions& options, Resizer& resizer, RgbImage& out) {
  run_plan(image, test_plan({image.width(), image.height()}, options), resizer, out);
}

}  // namespace ft
