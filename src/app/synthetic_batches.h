// Made-up images for measuring steps without a data set.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "ft/data/loader.h"
#include "ft/train/batch_feed.h"
#include "ft/train/micro_batches.h"

namespace ft::app {

// Noise in the sizes of a step's micro-batches, handed out again and again. Must outlive its source.
class SyntheticBatches {
 public:
  // `batch`: the global one. `loading`: how a loader would make them.
  SyntheticBatches(MicroBatchCut cut, std::uint64_t batch, const LoaderOptions& loading, std::size_t classes);
  [[nodiscard]] BatchSource source() {
    return {.next = [this] { return next(); }, .ready = [] { return true; }};
  }

 private:
  void fill(std::size_t values);
  [[nodiscard]] std::optional<BatchView> next();

  MicroBatchCut cut_;
  std::uint64_t batch_;
  int micro_ = 0;
  PixelType type_;
  std::size_t bytes_of_image_;
  BatchMemory images_;
  std::vector<std::int64_t> labels_;
  std::vector<std::uint64_t> ids_;
};

}  // namespace ft::app
