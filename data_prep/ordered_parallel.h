// Work in parallel, results in order, memory bounded.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace ft {

// Calls work(0) .. work(count-1) on threads; next() gives the results in that order. The threads run at most
// a window of a few items each ahead of next(), which is what bounds the memory. Destroyed early, it waits
// for the items being worked on and drops them.
template <class Result>
class OrderedParallel {
 public:
  OrderedParallel(std::size_t count, int workers, std::function<Result(std::size_t)> work)
      : count_(count), work_(std::move(work)), slots_(static_cast<std::size_t>(workers) * kAheadPerWorker) {
    for (int i = 0; i < workers; ++i) threads_.emplace_back([this] { run(); });
  }
  OrderedParallel(const OrderedParallel&) = delete;
  OrderedParallel& operator=(const OrderedParallel&) = delete;
  ~OrderedParallel() {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    room_.notify_all();
  }

  // Whether next() would not wait; waits at most that long to find out.
  [[nodiscard]] bool wait_for_next(std::chrono::milliseconds longest) {
    std::unique_lock lock(mutex_);
    const Slot& slot = slots_[taken_ % slots_.size()];
    return ready_.wait_for(lock, longest, [&slot] { return slot.result || slot.error; });
  }

  // The next result; rethrows what its work threw. Call at most `count` times, from one thread.
  [[nodiscard]] Result next() {
    std::unique_lock lock(mutex_);
    Slot& slot = slots_[taken_ % slots_.size()];
    ready_.wait(lock, [&slot] { return slot.result || slot.error; });
    Slot done = std::exchange(slot, {});
    ++taken_;
    room_.notify_one();
    lock.unlock();
    if (done.error) std::rethrow_exception(done.error);
    return std::move(*done.result);
  }

 private:
  static constexpr std::size_t kAheadPerWorker = 4;

  struct Slot {
    std::optional<Result> result;
    std::exception_ptr error;
  };

  void run() {
    while (const std::optional<std::size_t> item = claim()) {
      Slot slot;
      try {
        slot.result = work_(*item);
      } catch (...) {
        slot.error = std::current_exception();
      }
      const std::scoped_lock lock(mutex_);
      slots_[*item % slots_.size()] = std::move(slot);
      ready_.notify_one();
    }
  }

  std::optional<std::size_t> claim() {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] { return stopping_ || claimed_ == count_ || claimed_ < taken_ + slots_.size(); });
    if (stopping_ || claimed_ == count_) return std::nullopt;
    return claimed_++;
  }

  std::size_t count_;
  std::function<Result(std::size_t)> work_;
  std::mutex mutex_;
  std::condition_variable room_;
  std::condition_variable ready_;
  std::vector<Slot> slots_;  // item i waits in slot i mod size
  std::size_t claimed_ = 0;
  std::size_t taken_ = 0;
  bool stopping_ = false;
  std::vector<std::jthread> threads_;  // last: joined before the rest goes
};

}  // namespace ft
