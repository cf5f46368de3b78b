// From a picture to a tensor slot: torchvision's training and test transforms, to the grey level.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
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

// What becomes of a picture: resized, turned around, and set into a square of `side` pixels, `left` and `top`
// from its corner, zeros around it.
struct PixelPlan {
  ResizePlan resize;
  bool flip = false;
  int side = 0;
  int left = 0, top = 0;
};

// RandomResizedCrop(image_size) with the given draw, then the flip.
[[nodiscard]] PixelPlan train_plan(const AugmentDraw& draw, int image_size);
// Resize, then CenterCrop(image_size) (zeros where the picture is smaller, as torchvision pads).
[[nodiscard]] PixelPlan test_plan(Size picture, const TransformOptions& options);

// Both on a whole picture, as 8-bit pixels.
void train_pixels(const RgbImage& image, const AugmentDraw& draw, int image_size, Resizer& resizer,
                  RgbImage& out);
void test_pixels(const RgbImage& image, const TransformOptions& options, Resizer& resizer, RgbImage& out);

class VectorPixels;

// ToTensor and Normalize, bit for bit: float32 (p / 255 - mean) / std, from a table of 3 x 256 values or by
// vectors that give the same. Immutable.
class PixelWriter {
 public:
  PixelWriter(PixelFormat format, const std::array<double, 3>& mean, const std::array<double, 3>& std);

  [[nodiscard]] std::size_t bytes_per_image(int side) const noexcept;
  // Writes `count` rows of the plan's square, from `first` on, into `out`, the whole image. `rows` holds
  // those of them that the resized picture covers, without padding.
  void write(const PixelPlan& plan, int first, int count, const std::uint8_t* rows,
             std::span<std::byte> out) const;

  // Without vectors, as on machines that have none.
  void use_tables_only() { vectors_.reset(); }
  [[nodiscard]] bool uses_vectors() const noexcept { return vectors_ != nullptr; }

 private:
  template <class Value>
  void write_row(const std::uint8_t* in, int width, bool flip, Value* out, std::size_t side,
                 const std::array<std::array<Value, 256>, 3>& table) const;
  template <class Value>
  void write_rows(const PixelPlan& plan, int first, int count, const std::uint8_t* rows, Value* out,
                  const std::array<std::array<Value, 256>, 3>& table) const;

  PixelFormat format_;
  std::array<std::array<float, 256>, 3> floats_;
  std::array<std::array<std::uint16_t, 256>, 3> bfloats_;
  std::array<std::array<std::uint8_t, 256>, 3> levels_;
  std::shared_ptr<const VectorPixels> vectors_;  // null: tables only
};

// The rows of the plan's square that the resized picture covers, among [first, first + count).
struct CoveredRows {
  int first, count;  // rows of the resize's window
};
[[nodiscard]] CoveredRows covered_rows(const PixelPlan& plan, int first, int count) noexcept;

}  // namespace ft
