#include "ft/data/transform.h"

#include <cmath>

#include <opencv2/core.hpp>

namespace ft {
namespace {

// OpenCV's view of our memory. It cannot express const; the callers only read through such a header.
cv::Mat as_mat(const RgbImage& image) {
  return {image.height(), image.width(), CV_8UC3, const_cast<std::uint8_t*>(image.pixels().data())};
}

Size resized_size(const RgbImage& image, const TransformOptions& options) {
  const int side = options.resize;
  if (!options.resize_shorter) return {side, side};
  const auto longer_side = [side](int longer, int shorter) {
    return static_cast<int>(static_cast<double>(side) * longer / shorter);
  };
  if (image.width() <= image.height()) return {side, longer_side(image.height(), image.width())};
  return {longer_side(image.width(), image.height()), side};
}

// One axis of CenterCrop: which pixels stay, and how many zeros come before and after them.
struct CenterCut {
  int first, count, before, after;
};

CenterCut center_cut(int size, int crop) {
  if (size < crop) return {0, size, (crop - size) / 2, (crop - size + 1) / 2};
  // Python's round(): halves go to even, so that cutting 3 off takes 2 before and 1 after, but 5 off 2 and 3.
  return {static_cast<int>(std::nearbyint((size - crop) / 2.0)), crop, 0, 0};
}

}  // namespace

void train_pixels(const RgbImage& image, const AugmentDraw& draw, int image_size, ResizeScratch& scratch,
                  RgbImage& out) {
  resize_bilinear(image, draw.crop, image_size, image_size, scratch, out);
  if (draw.flip) {
    cv::Mat pixels = as_mat(out);
    cv::flip(pixels, pixels, 1);
  }
}

void test_pixels(const RgbImage& image, const TransformOptions& options, ResizeScratch& scratch,
                 RgbImage& out) {
  const int side = options.image_size;
  const Size size = resized_size(image, options);
  const CenterCut x = center_cut(size.width, side);
  const CenterCut y = center_cut(size.height, side);
  const Box whole{0, 0, image.width(), image.height()};
  const Box window{x.first, y.first, x.count, y.count};
  if (x.count == side && y.count == side) {
    resize_bilinear_window(image, whole, size, window, scratch, out);
    return;
  }
  resize_bilinear_window(image, whole, size, window, scratch, scratch.inner);
  out.resize(side, side);
  cv::Mat padded = as_mat(out);
  cv::copyMakeBorder(as_mat(scratch.inner), padded, y.before, y.after, x.before, x.after, cv::BORDER_CONSTANT,
                     cv::Scalar::all(0));
}

}  // namespace ft
