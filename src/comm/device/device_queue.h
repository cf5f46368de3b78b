// The stream that carries collectives, and its order relative to the stream that computes.
#pragma once

#include <cstddef>
#include <memory>

namespace ft {

// A place in the queue.
class QueuePoint {
 public:
  QueuePoint() = default;
  QueuePoint(const QueuePoint&) = delete;
  QueuePoint& operator=(const QueuePoint&) = delete;
  virtual ~QueuePoint() = default;
  // Whether the device has come past it. Throws when the device has failed.
  [[nodiscard]] virtual bool passed() const = 0;
  // By the device's clock, from an earlier point of the same queue. Both have been passed.
  [[nodiscard]] virtual double seconds_since(const QueuePoint& earlier) const = 0;
};

class DeviceQueue {
 public:
  DeviceQueue() = default;
  DeviceQueue(const DeviceQueue&) = delete;
  DeviceQueue& operator=(const DeviceQueue&) = delete;
  virtual ~DeviceQueue() = default;

  // A cudaStream_t.
  [[nodiscard]] virtual void* native_handle() const = 0;
  // Everything put on the compute stream so far comes before what is put on this one from now on.
  virtual void follow_compute() = 0;
  // On the queue: a bfloat16 copy of `count` float32, in memory that lives as long as the result.
  [[nodiscard]] virtual std::shared_ptr<void> rounded_copy(const void* values, std::size_t count) = 0;
  // On the queue: those bfloat16 back as float32.
  virtual void widen(const std::shared_ptr<void>& rounded, void* values, std::size_t count) = 0;
  // Marks the end of what has been put on this queue.
  [[nodiscard]] virtual std::unique_ptr<QueuePoint> mark() = 0;
  // Device memory for one float32, zero at first, as long as the queue lives.
  [[nodiscard]] virtual void* scratch() = 0;
};

// A high-priority stream of LibTorch's pool, so that a bucket does not queue behind the backward pass.
[[nodiscard]] std::unique_ptr<DeviceQueue> make_cuda_queue(int device_index);

}  // namespace ft
