// Threads that read, decode, transform and write samples straight into batch memory, ahead of the consumer.
// The unit of work is a sample, not a batch: a slow picture delays one slot, not a worker's whole batch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "ft/data/batch_memory.h"
#include "ft/data/packed_set.h"
#include "ft/data/pixel_format.h"
#include "ft/data/transform.h"

namespace ft {

// What the consumer wants next. No ids: a rank without images in this step; the batch is then empty.
struct BatchRequest {
  std::uint32_t epoch = 0;
  std::vector<std::uint64_t> sample_ids;
};

// One batch, in memory that the loader owns; valid until the lease ends.
struct BatchView {
  std::span<std::byte> images;           // [N,3,H,W] in the loader's format; starts on a cache line
  std::span<const std::int64_t> labels;  // [N]
  std::span<const std::uint64_t> sample_ids;
  PixelType type = PixelType::kFloat32;
  [[nodiscard]] std::size_t size() const noexcept { return labels.size(); }
};

struct LoaderOptions {
  int workers = 1;
  int slots = 0;              // batches in memory, the one being consumed among them; >= 2, 0: chosen
  int read_ahead = 32;        // how many samples ahead of a worker the kernel is asked to fetch one; 0: never
  std::size_t max_batch = 0;  // the largest request
  bool augment = true;        // false: the test transform
  std::uint64_t seed = 0;
  PixelFormat format;
  TransformOptions transform;
  AllocateBatch allocate = &allocate_batch;  // called by the constructor, once a slot
};

// What the options come to, in batches: in memory, and asked for beyond them for the sake of read-ahead.
struct LoaderDepth {
  std::size_t slots, read_ahead;
};
// Two batches, and more where they are small: two samples ahead for each worker.
[[nodiscard]] LoaderDepth loader_depth(const LoaderOptions& options);

// Seconds of worker time by stage, summed over workers, and samples done, since construction.
struct LoaderStats {
  double read_s = 0, decode_s = 0, resize_s = 0, write_s = 0;
  std::uint64_t samples = 0;
};

class Loader {
 public:
  // Fills the request, which comes with its ids cleared and their memory kept; false: no more. Called from
  // next() only, in order, as far ahead as slots and read-ahead go. `set` must outlive the loader.
  using Source = std::function<bool(BatchRequest&)>;
  Loader(const PackedSet& set, const LoaderOptions& options, Source source);
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;
  // Stops the workers promptly, also while batches are unfinished.
  ~Loader();

  // The next batch, in request order; waits for its samples. The view of the previous call ends here.
  // nullopt at the end. Rethrows the first error of a worker (DataError that names the sample).
  [[nodiscard]] std::optional<BatchView> next();
  // Whether next() would return (or throw) without waiting. Ends no view. From the thread that calls next().
  [[nodiscard]] bool ready() const;

  [[nodiscard]] LoaderStats stats() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// One batch without threads, for replay and tests: the same bytes as the loader's.
void load_samples(const PackedSet& set, const LoaderOptions& options, const BatchRequest& request,
                  std::span<std::byte> images, std::span<std::int64_t> labels);

}  // namespace ft
