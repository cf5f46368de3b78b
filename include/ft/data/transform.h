// From a decoded picture to a normalised tensor slot: torchvision's training and test transforms, to the grey
// level.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "ft/data/augment.h"
#include "ft/data/image.h"
#include "ft/data/pixel_format.h"
#include "ft/data/resize.h"

namespace ft {

struct TransformOptions {
  int image_size = 224;
  int resize = 256;  // test transform: side (squash) or shorter side
  bool resize_shorter = false;
  std::array<double, 3> mean{0.485, 0.456, 0.406};
  std::array<double, 3> std{0.229, 0.224, 0.225};
};

// 8-bit stages; each gives torchvision-with-Pillow's pixels.
// RandomResizedCrop(image_size) with the given draw, then the flip.
void train_pixels(const RgbImage& image, const AugmentDraw& draw, int image_size, ResizeScratch& scratch,
                  RgbImage& out);
// Resize, then CenterCrop(image_size) (zero padding where the picture is smaller, as torchvision pads).
void test_pixels(const RgbImage& image, const TransformOptions& options, ResizeScratch& scratch,
                 RgbImage& out);

// ToTensor and Normalize, bit for bit: float32 (p / 255 - mean) / std by a table of 3 x 256 values.
class Normalizer {
 public:
  Normalizer(const std::array<double, 3>& mean, const std::array<double, 3>& std);
  // `out` holds 3 * H * W floats in the given layout.
  void write(const RgbImage& image, PixelLayout layout, std::span<float> out) const;

 private:
  std::array<std::array<float, 256>, 3> table_;
};

}  // namespace ft
