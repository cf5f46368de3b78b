// Which gradient lives where in the flat buckets, and which bucket may leave next. Torch-free bookkeeping:
// the autograd hooks that feed it are in train/. Buckets fill in reverse order of the parameters, because
// backward produces gradients in about that order (Li et al., "PyTorch Distributed", VLDB 2020); the first is
// small so that communication starts early.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace ft {

struct ParameterSlot {
  std::int64_t elements;
  int group;  // optimizer group: 0 body, 1 head
};

// `length` elements of one parameter at `offset` in the flat storage.
struct Segment {
  std::size_t parameter;
  std::int64_t offset;
  std::int64_t length;
  int group;
};

struct Bucket {
  std::int64_t offset;  // elements from the start of the flat storage
  std::int64_t length;
  std::vector<Segment> segments;
};

// A pure function of its arguments. Each segment starts 64-byte aligned (float32); gaps stay zero. A
// parameter larger than a bucket gets one of its own. Frozen parameters are simply not among `parameters`.
struct BucketLayout {
  std::vector<Bucket> buckets;
  std::int64_t total_elements = 0;

  BucketLayout() = default;
  BucketLayout(std::span<const ParameterSlot> parameters, std::size_t first_bucket_bytes,
               std::size_t bucket_bytes);
};

// Counts down each bucket during one backward pass. Not thread-safe: autograd's hooks run on one thread a
// device.
class BucketTracker {
 public:
  explicit BucketTracker(const BucketLayout& layout);

  void reset();
  // Marks the gradient of `parameter` as final; returns how many buckets may leave now that could not before
  // (a bucket leaves when it is full and all before it have left). Throws ft::Error (bug) when marked twice.
  std::size_t mark_ready(std::size_t parameter);
  [[nodiscard]] std::size_t launched() const noexcept { return launched_; }
  [[nodiscard]] bool all_launched() const noexcept;
  // Parameters whose gradient never came, for the error text.
  [[nodiscard]] std::vector<std::size_t> missing() const;

 private:
  const BucketLayout* layout_;
  std::vector<std::size_t> bucket_of_;
  std::vector<std::size_t> pending_;
  std::vector<bool> ready_;
  std::size_t launched_ = 0;
};

}  // namespace ft
