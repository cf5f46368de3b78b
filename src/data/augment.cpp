#include "ft/data/augment.h"

#include <cmath>
#include <optional>

#include "ft/base/philox.h"

namespace ft {
namespace {

constexpr double kMinScale = 0.08, kMaxScale = 1.0;
constexpr double kMinRatio = 3.0 / 4.0, kMaxRatio = 4.0 / 3.0;
constexpr int kAttempts = 10;

// Python's round(): halves to even, as the default rounding mode does.
int round_half_even(double value) {
  return static_cast<int>(std::nearbyint(value));
}

std::optional<Box> draw_box(RandomStream& random, int width, int height) {
  const double area = static_cast<double>(width) * height * random.uniform(kMinScale, kMaxScale);
  const double ratio = std::exp(random.uniform(std::log(kMinRatio), std::log(kMaxRatio)));
  const int w = round_half_even(std::sqrt(area * ratio));
  const int h = round_half_even(std::sqrt(area / ratio));
  if (w <= 0 || w > width || h <= 0 || h > height) return std::nullopt;
  const auto top = static_cast<int>(random.below(static_cast<std::uint32_t>(height - h + 1)));
  const auto left = static_cast<int>(random.below(static_cast<std::uint32_t>(width - w + 1)));
  return Box{left, top, w, h};
}

// The largest box in the middle whose ratio is allowed.
Box central_box(int width, int height) {
  const double ratio = static_cast<double>(width) / height;
  int w = width;
  int h = height;
  if (ratio < kMinRatio) {
    h = round_half_even(w / kMinRatio);
  } else if (ratio > kMaxRatio) {
    w = round_half_even(h * kMaxRatio);
  }
  return {(width - w) / 2, (height - h) / 2, w, h};
}

}  // namespace

AugmentDraw draw_augmentation(std::uint64_t seed, std::uint32_t epoch, std::uint64_t sample_id, int width,
                              int height) {
  RandomStream random(seed, RandomUse::kAugment, epoch, static_cast<std::uint32_t>(sample_id));
  std::optional<Box> box;
  for (int attempt = 0; attempt < kAttempts && !box; ++attempt) box = draw_box(random, width, height);
  const bool flip = random.next_double() < 0.5;
  return {box.value_or(central_box(width, height)), flip};
}

}  // namespace ft
