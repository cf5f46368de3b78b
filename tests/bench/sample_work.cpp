#include "sample_work.h"

#include <fmt/format.h>

#include "ft/base/error.h"
#include "ft/base/hash.h"
#include "ft/data/augment.h"

namespace ft::bench {

SampleWork::SampleWork(const PackedSet& set)
    : set_(&set),
      writer_({}, options_.mean, options_.std),
      image_(writer_.bytes_per_image(options_.image_size)) {}

void SampleWork::check(std::uint64_t sample_id, std::span<const std::byte> bytes) const {
  if (xxh3_64(bytes) == set_->info(sample_id).xxh3) return;
  throw DataError(fmt::format("{}: other bytes than were packed", set_->describe(sample_id)));
}

void SampleWork::prepare(std::uint64_t sample_id, std::span<const std::byte> bytes) {
  const SampleInfo info = set_->info(sample_id);
  const Size size{static_cast<int>(info.width), static_cast<int>(info.height)};
  const PixelPlan plan =
      train_plan(draw_augmentation(0, 0, sample_id, size.width, size.height), options_.image_size);
  const Box needed = resizer_.prepare(plan.resize);
  resizer_.begin(
      decoder_.decode({.codec = info.codec, .payload = bytes, .size = size, .restart_offsets = {}}, needed));
  const auto [first, count] = covered_rows(plan, 0, plan.side);
  rows_.resize(std::size_t{3} * static_cast<std::size_t>(plan.resize.window.width) *
               static_cast<std::size_t>(count));
  resizer_.rows(first, count, rows_.data());
  writer_.write(plan, 0, plan.side, rows_.data(), image_);
}

}  // namespace ft::bench
