// One batch in the making, in memory that is made once. Its samples are claimed in order, by one atomic word:
// no lock, and nothing is queued.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "ft/data/batch_memory.h"

namespace ft {

class BatchSlot {
 public:
  // `memory` holds max_batch * image_bytes.
  BatchSlot(std::size_t max_batch, std::size_t image_bytes, BatchMemory memory);

  // The consumer's part.
  // From here on batch number `batch`, of `count` samples, may be claimed. The one before it is finished.
  void open(std::uint64_t batch, std::size_t count) noexcept;
  [[nodiscard]] bool finished() const noexcept { return unfinished_.load(std::memory_order_acquire) == 0; }
  // Once finished: of the first sample, in batch order, that failed; null when all is well.
  [[nodiscard]] const std::exception_ptr& error() const noexcept { return error_; }
  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  [[nodiscard]] std::span<std::byte> images() noexcept;

  // The workers' part, from any thread.
  // The next sample of that batch; nullopt when all are taken, or another batch is in the slot by now.
  [[nodiscard]] std::optional<std::size_t> claim(std::uint64_t batch) noexcept;
  // For the holder of a claim, until it calls finish().
  [[nodiscard]] std::span<std::byte> image(std::size_t index) noexcept;
  [[nodiscard]] std::span<std::int64_t> labels() noexcept { return std::span(labels_).first(count_); }
  void fail(std::size_t index, std::exception_ptr error) noexcept;
  // True: that was the last sample of the batch.
  [[nodiscard]] bool finish() noexcept { return unfinished_.fetch_sub(1, std::memory_order_acq_rel) == 1; }

 private:
  std::size_t image_bytes_;
  BatchMemory memory_;
  std::vector<std::int64_t> labels_;
  std::size_t count_ = 0;
  std::mutex failing_;
  std::exception_ptr error_;
  std::size_t failed_at_ = 0;
  // Note [Claim ticket]: the batch's number in the upper half, samples not yet claimed in the lower. In one
  // word, because a worker that comes late must not take a sample of the batch that has the slot by now.
  alignas(kCacheLine) std::atomic<std::uint64_t> ticket_{0};
  alignas(kCacheLine) std::atomic<std::size_t> unfinished_{0};
};

}  // namespace ft
