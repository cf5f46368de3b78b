#include <fmt/format.h>

#include "ft/base/error.h"
#include "ft/data/transform.h"

namespace ft {

Normalizer::Normalizer(const std::array<double, 3>& mean, const std::array<double, 3>& std) {
  for (std::size_t channel = 0; channel < 3; ++channel) {
    const auto channel_mean = static_cast<float>(mean[channel]);
    const auto channel_std = static_cast<float>(std[channel]);
    if (channel_std == 0.0F) {
      throw UsageError(fmt::format("data.std[{}] is 0 in float32", channel), "give the standard deviation");
    }
    for (std::size_t value = 0; value < 256; ++value) {
      table_[channel][value] = (static_cast<float>(value) / 255.0F - channel_mean) / channel_std;
    }
  }
}

void Normalizer::write(const RgbImage& image, PixelLayout layout, std::span<float> out) const {
  const auto pixels = image.pixels();
  if (out.size() != pixels.size()) {
    throw Error(ExitCode::kBug,
                fmt::format("a picture of {} values does not fit a slot of {}", pixels.size(), out.size()));
  }
  const std::size_t area = pixels.size() / 3;
  // Where the next pixel of a channel lies, and where the next channel.
  const std::size_t pixel_step = layout == PixelLayout::kNhwc ? 3 : 1;
  const std::size_t channel_step = layout == PixelLayout::kNhwc ? 1 : area;
  const std::uint8_t* in = pixels.data();
  float* red = out.data();
  float* green = red + channel_step;
  float* blue = green + channel_step;
  for (std::size_t i = 0; i < area; ++i, in += 3) {
    red[i * pixel_step] = table_[0][in[0]];
    green[i * pixel_step] = table_[1][in[1]];
    blue[i * pixel_step] = table_[2][in[2]];
  }
}

}  // namespace ft
