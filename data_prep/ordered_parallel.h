// Work in parallel, results in order, memory bounded.
#pragma once

#include <algorithm>
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
  using Work = std::function<Result(std::size_t)>;

  OrderedParallel(std::size_t count, int workers, const Work& work)
      : OrderedParallel(count, workers, [&work] { return work; }) {}
  // Each thread has a work of its own, with the buffers that it keeps between items.
  OrderedParallel(std::size_t count, int workers, const std::function<Work()>& make_work,
                  std::size_t ahead_per_worker = kAheadPerWorker)
      : count_(count), slots_(static_cast<std::size_t>(workers) * ahead_per_worker) {
    for (int i = 0; i < workers; ++i) {
      threads_.emplace_back([this, work = make_work()] { run(work); });
    }
  }
  OrderedParallel(const OrderedParallel&) = delete;
  OrderedParallel& operator=(const OrderedParallel&) = delete;
  ~OrderedParallel() {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    room_.notify_all();
  }

  // Whether next() would not wait; waits at most that long to find out, or until so many results are there,
  // or all: who takes many at a time takes less time from the threads.
  [[nodiscard]] bool wait_for_next(std::chrono::milliseconds longest, std::size_t many = 1) {
    std::unique_lock lock(mutex_);
    wanted_ = std::min({many, slots_.size(), count_ - taken_});
    ready_.wait_for(lock, longest, [this] { return ready_run_ >= wanted_; });
    return ready_run_ > 0;
  }

  // The next result; rethrows what its work threw. Call at most `count` times, from one thread.
  [[nodiscard]] Result next() {
    std::unique_lock lock(mutex_);
    wanted_ = 1;
    ready_.wait(lock, [this] { return ready_run_ >= wanted_; });
    Slot done = std::exchange(slots_[taken_ % slots_.size()], {});
    ++taken_;
    --ready_run_;
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
    [[nodiscard]] bool is_full() const noexcept { return result || error; }
  };

  void run(const Work& work) {
    while (const std::optional<std::size_t> item = claim()) {
      Slot slot;
      try {
        slot.result = work(*item);
      } catch (...) {
        slot.error = std::current_exception();
      }
      const std::scoped_lock lock(mutex_);
      slots_[*item % slots_.size()] = std::move(slot);
      while (ready_run_ < slots_.size() && slots_[(taken_ + ready_run_) % slots_.size()].is_full())
        ++ready_run_;
      if (ready_run_ >= wanted_) ready_.notify_one();
    }
  }

  std::optional<std::size_t> claim() {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] { return stopping_ || claimed_ == count_ || claimed_ < taken_ + slots_.size(); });
    if (stopping_ || claimed_ == count_) return std::nullopt;
    return claimed_++;
  }

  std::size_t count_;
  std::mutex mutex_;
  std::condition_variable room_;
  std::condition_variable ready_;
  std::vector<Slot> slots_;  // item i waits in slot i mod size
  std::size_t claimed_ = 0;
  std::size_t taken_ = 0;
  std::size_t ready_run_ = 0;  // results that wait, from taken_ on without a gap
  std::size_t wanted_ = 0;     // how many of them who waits is waiting for
  bool stopping_ = false;
  std::vector<std::jthread> threads_;  // last: joined before the rest goes
};

}  // namespace ft
