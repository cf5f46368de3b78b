#include "sample_pipeline.h"

#include <bit>
#include <chrono>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "ft/base/error.h"

namespace ft {
namespace {

// A buffer that one huge picture made larger than this is given back, not kept for the small ones that
// follow.
constexpr std::size_t kKeptBytes = std::size_t{16} << 20;

class LapTimer {
 public:
  // Seconds since the last lap.
  double lap() {
    const auto now = Clock::now();
    return std::chrono::duration<double>(now - std::exchange(last_, now)).count();
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point last_ = Clock::now();
};

}  // namespace

SamplePipeline::SamplePipeline(const PackedSet& set, const LoaderOptions& options)
    : set_(set), options_(options), normalizer_(options.transform.mean, options.transform.std) {}

std::int64_t SamplePipeline::load(std::uint32_t epoch, std::uint64_t sample_id, std::span<std::byte> out,
                                  LoaderStats& stats) {
  LapTimer timer;
  const SampleInfo info = set_.info(sample_id);
  const auto payload = set_.read(sample_id, payload_);
  stats.read_s += timer.lap();
  decode(info, payload);
  stats.decode_s += timer.lap();
  transform(epoch, sample_id);
  stats.resize_s += timer.lap();
  write(out);
  if (decoded_.pixels().size() > kKeptBytes) decoded_ = {};
  stats.write_s += timer.lap();
  ++stats.samples;
  return info.label;
}

void SamplePipeline::write(std::span<std::byte> out) {
  floats_.resize(out.size() / bytes_per_value(options_.format.type));
  normalizer_.write(pixels_, options_.format.layout, floats_);
  if (options_.format.type == PixelType::kFloat32) {
    std::memcpy(out.data(), floats_.data(), out.size());
  } else if (options_.format.type == PixelType::kBfloat16) {
    for (std::size_t i = 0; i < floats_.size(); ++i) {
      const auto bits = std::bit_cast<std::uint32_t>(floats_[i]);
      const auto rounded = static_cast<std::uint16_t>((bits + 0x7fffU + (bits >> 16 & 1U)) >> 16);
      std::memcpy(out.data() + i * sizeof rounded, &rounded, sizeof rounded);
    }
  } else {
    throw Error(ExitCode::kBug, "uint8 batches are not written yet");
  }
}

void SamplePipeline::decode(const SampleInfo& info, std::span<const std::byte> payload) {
  try {
    decode_rgb(info.codec, payload, static_cast<int>(info.width), static_cast<int>(info.height), decoded_);
  } catch (const DataError& error) {
    throw DataError(fmt::format("{}: {}", set_.describe(info.sample_id), error.what()), error.hint());
  }
}

void SamplePipeline::transform(std::uint32_t epoch, std::uint64_t sample_id) {
  if (!options_.augment) {
    test_pixels(decoded_, options_.transform, scratch_, pixels_);
    return;
  }
  const AugmentDraw draw =
      draw_augmentation(options_.seed, epoch, sample_id, decoded_.width(), decoded_.height());
  train_pixels(decoded_, draw, options_.transform.image_size, scratch_, pixels_);
}

}  // namespace ft
