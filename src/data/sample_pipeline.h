// One sample from shard to tensor slot: read, decode, resize, write. The loader's workers and load_samples
// share it, so that their bytes cannot differ.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ft/data/codec.h"
#include "ft/data/loader.h"

namespace ft {

// The buffers of one thread. `set` and `options` must outlive it.
class SamplePipeline {
 public:
  SamplePipeline(const PackedSet& set, const LoaderOptions& options);

  [[nodiscard]] std::size_t bytes_per_image() const noexcept;
  // Fills `out` and returns the label; adds the time of each stage to `stats`. DataError names the sample.
  std::int64_t load(std::uint32_t epoch, std::uint64_t sample_id, std::span<std::byte> out,
                    LoaderStats& stats);

 private:
  [[nodiscard]] PixelPlan plan(std::uint32_t epoch, const SampleInfo& info) const;
  RgbView decode(const SampleInfo& info, std::span<const std::byte> payload,
                 std::span<const std::uint32_t> restart_offsets, const Box& needed);
  void resize_and_write(const PixelPlan& plan, const RgbView& picture, std::span<std::byte> out,
                        LoaderStats& stats);
  void give_back_what_is_huge(const RgbView& picture);

  const PackedSet& set_;
  const LoaderOptions& options_;
  PixelWriter writer_;
  std::vector<std::byte> payload_;
  std::vector<std::uint32_t> restart_offsets_;
  Decoder decoder_;
  Resizer resizer_;
  std::vector<std::uint8_t> strip_;  // the resized rows on their way to the batch
};

}  // namespace ft
