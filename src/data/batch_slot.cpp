#include "batch_slot.h"

#include <utility>

namespace ft {
namespace {

constexpr std::uint64_t kHalf = 32;
constexpr std::uint64_t kLowerHalf = 0xffff'ffffULL;

}  // namespace

BatchSlot::BatchSlot(std::size_t max_batch, std::size_t image_bytes, BatchMemory memory)
    : image_bytes_(image_bytes), memory_(std::move(memory)), labels_(max_batch) {}

void BatchSlot::open(std::uint64_t batch, std::size_t count) noexcept {
  count_ = count;
  unfinished_.store(count, std::memory_order_relaxed);
  ticket_.store(batch << kHalf | count, std::memory_order_release);
}

std::optional<std::size_t> BatchSlot::claim(std::uint64_t batch) noexcept {
  std::uint64_t ticket = ticket_.load(std::memory_order_acquire);
  while (ticket >> kHalf == (batch & kLowerHalf) && (ticket & kLowerHalf) != 0) {
    if (ticket_.compare_exchange_weak(ticket, ticket - 1, std::memory_order_acq_rel,
                                      std::memory_order_acquire)) {
      return count_ - (ticket & kLowerHalf);
    }
  }
  return std::nullopt;
}

std::span<std::byte> BatchSlot::images() noexcept {
  return {memory_.get(), count_ * image_bytes_};
}

std::span<std::byte> BatchSlot::image(std::size_t index) noexcept {
  return images().subspan(index * image_bytes_, image_bytes_);
}

void BatchSlot::fail(std::size_t index, std::exception_ptr error) noexcept {
  const std::lock_guard lock(failing_);
  if (error_ && failed_at_ < index) return;
  error_ = std::move(error);
  failed_at_ = index;
}

}  // namespace ft
