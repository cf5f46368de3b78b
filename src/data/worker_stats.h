// What one worker has done so far: written by that worker alone, read by anyone.
#pragma once

#include <atomic>
#include <cstdint>

#include "ft/data/loader.h"

#include "batch_slot.h"

namespace ft {

class alignas(kCacheLine) WorkerStats {
 public:
  void publish(const LoaderStats& total) noexcept {
    read_s_.store(total.read_s, std::memory_order_relaxed);
    decode_s_.store(total.decode_s, std::memory_order_relaxed);
    resize_s_.store(total.resize_s, std::memory_order_relaxed);
    write_s_.store(total.write_s, std::memory_order_relaxed);
    samples_.store(total.samples, std::memory_order_relaxed);
  }

  void add_to(LoaderStats& sum) const noexcept {
    sum.read_s += read_s_.load(std::memory_order_relaxed);
    sum.decode_s += decode_s_.load(std::memory_order_relaxed);
    sum.resize_s += resize_s_.load(std::memory_order_relaxed);
    sum.write_s += write_s_.load(std::memory_order_relaxed);
    sum.samples += samples_.load(std::memory_order_relaxed);
  }

 private:
  std::atomic<double> read_s_{0}, decode_s_{0}, resize_s_{0}, write_s_{0};
  std::atomic<std::uint64_t> samples_{0};
};

}  // namespace ft
