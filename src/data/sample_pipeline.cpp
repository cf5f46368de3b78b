#include "sample_pipeline.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "ft/base/error.h"

namespace ft {
namespace {

// Buffers that one huge picture made larger than this are given back, not kept for the small ones that
// follow.
constexpr std::size_t kKeptBytes = std::size_t{16} << 20;

// Rows that are resized and then written, so that they are in the first-level cache in between; and not
// fewer, so that looking at the clock costs nothing.
constexpr int kStripRows = 16;

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
    : set_(set),
      options_(options),
      writer_(options.format, options.transform.mean, options.transform.std),
      strip_(std::size_t{3} * static_cast<std::size_t>(options.transform.image_size) * kStripRows) {}

std::size_t SamplePipeline::bytes_per_image() const noexcept {
  return writer_.bytes_per_image(options_.transform.image_size);
}

std::int64_t SamplePipeline::load(std::uint32_t epoch, std::uint64_t sample_id, std::span<std::byte> out,
                                  LoaderStats& stats) {
  LapTimer timer;
  const SampleInfo info = set_.info(sample_id);
  const auto payload = set_.read(sample_id, payload_);
  const auto restart_offsets = set_.read_restart_offsets(sample_id, restart_offsets_);
  stats.read_s += timer.lap();
  const PixelPlan wanted = plan(epoch, info);
  const Box needed = resizer_.prepare(wanted.resize);
  stats.resize_s += timer.lap();
  const RgbView picture = decode(info, payload, restart_offsets, needed);
  stats.decode_s += timer.lap();
  resize_and_write(wanted, picture, out, stats);
  give_back_what_is_huge(picture);
  ++stats.samples;
  return info.label;
}

PixelPlan SamplePipeline::plan(std::uint32_t epoch, const SampleInfo& info) const {
  const Size size{static_cast<int>(info.width), static_cast<int>(info.height)};
  if (!options_.augment) return test_plan(size, options_.transform);
  const AugmentDraw draw = draw_augmentation(options_.seed, epoch, info.sample_id, size.width, size.height);
  return train_plan(draw, options_.transform.image_size);
}

RgbView SamplePipeline::decode(const SampleInfo& info, std::span<const std::byte> payload,
                               std::span<const std::uint32_t> restart_offsets, const Box& needed) {
  try {
    return decoder_.decode({.codec = info.codec,
                            .payload = payload,
                            .size = {static_cast<int>(info.width), static_cast<int>(info.height)},
                            .restart_offsets = restart_offsets},
                           needed);
  } catch (const DataError& error) {
    throw DataError(fmt::format("{}: {}", set_.describe(info.sample_id), error.what()), error.hint());
  }
}

void SamplePipeline::resize_and_write(const PixelPlan& plan, const RgbView& picture, std::span<std::byte> out,
                                      LoaderStats& stats) {
  LapTimer timer;
  resizer_.begin(picture);
  for (int row = 0; row < plan.side; row += kStripRows) {
    const int count = std::min(kStripRows, plan.side - row);
    const auto [first, covered] = covered_rows(plan, row, count);
    if (covered > 0) resizer_.rows(first, covered, strip_.data());
    stats.resize_s += timer.lap();
    writer_.write(plan, row, count, strip_.data(), out);
    stats.write_s += timer.lap();
  }
}

void SamplePipeline::give_back_what_is_huge(const RgbView& picture) {
  if (picture.stride * static_cast<std::size_t>(picture.box.height) <= kKeptBytes) return;
  decoder_ = Decoder();
  resizer_ = Resizer();
}

}  // namespace ft
