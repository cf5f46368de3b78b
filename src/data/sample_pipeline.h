// One sample from shard to tensor slot: read, decode, transform, normalise. The loader's workers and
// load_samples share it, so that their bytes cannot differ.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ft/data/loader.h"

namespace ft {

// The buffers of one thread. `set` and `options` must outlive it.
class SamplePipeline {
 public:
  SamplePipeline(const PackedSet& set, const LoaderOptions& options);

  // Fills `out` and returns the label; adds the time of each stage to `stats`. DataError names the sample.
  std::int64_t load(std::uint32_t epoch, std::uint64_t sample_id, std::span<std::byte> out,
                    LoaderStats& stats);

 private:
  void decode(const SampleInfo& info, std::span<const std::byte> payload);
  void transform(std::uint32_t epoch, std::uint64_t sample_id);
  void write(std::span<std::byte> out);

  const PackedSet& set_;
  const LoaderOptions& options_;
  Normalizer normalizer_;
  std::vector<std::byte> payload_;
  RgbImage decoded_;
  RgbImage pixels_;
  ResizeScratch scratch_;
  std::vector<float> floats_;
};

}  // namespace ft
