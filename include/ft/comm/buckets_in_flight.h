// A step's buckets on their way to the other ranks, and what their way cost.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "ft/comm/communicator.h"
#include "ft/comm/overlap_meter.h"

namespace ft {

// What the sum of one step's gradients cost. `hidden_s`: a bucket was under way before backward_ended().
// `exposed_s`: what starting the last buckets and waiting for all took after that, waiting for slower ranks
// included, and what is done with those that have arrived left out.
// The end of a bucket is noticed at the next gradient, so hidden_s is too large by a fraction of a
// layer's time for each gap between buckets; and it says that a bucket was under way, not that it moved on.
// With NCCL the host runs ahead of the device, and these two say little: see on_device().
struct CommunicationCost {
  // Work::bytes_sent() of all buckets, or all_reduce_bytes_sent() where that is not known.
  std::uint64_t bytes = 0;
  double hidden_s = 0;
  double exposed_s = 0;
  std::optional<double> device_s;  // all buckets together by the device's clock, where it has one

  // For a cost with device_s: what it was by the device's clock, of which this much was exposed.
  [[nodiscard]] CommunicationCost on_device(double exposed) const noexcept {
    return {.bytes = bytes,
            .hidden_s = std::max(0.0, device_s.value_or(0) - exposed),
            .exposed_s = exposed,
            .device_s = device_s};
  }
  // Of the time in which buckets were under way; 0 where nothing was.
  [[nodiscard]] double hidden_share() const noexcept {
    const double all = hidden_s + exposed_s;
    return all > 0 ? hidden_s / all : 0;
  }
};

// One step after the other: start() and poll() during backward, backward_ended(), start() of what is left,
// wait_all(). Not thread-safe.
class BucketsInFlight {
 public:
  // The communicator must outlive it.
  explicit BucketsInFlight(Communicator& communicator) : communicator_(&communicator) {}

  // `data` as for Communicator::start_all_reduce; a sum.
  void start(void* data, std::size_t count, ElementKind kind, Wire wire);
  // How many of this step have been started.
  [[nodiscard]] std::size_t started() const noexcept { return buckets_.size(); }
  // MPI moves bytes only inside its calls: without this, buckets would wait for wait_all().
  void poll();
  // From here on nothing hides what is still under way.
  void backward_ended();
  // Waits for each in order and calls `arrived` with its index. The next start() begins a new step. Throws
  // PeerError.
  CommunicationCost wait_all(const std::function<void(std::size_t)>& arrived = {});

 private:
  struct Started {
    std::unique_ptr<Work> work;
    std::uint64_t bytes;  // about
  };

  Communicator* communicator_;
  std::vector<Started> buckets_;  // of this step, in order
  std::size_t ended_ = 0;         // the first ones of them
  OverlapMeter meter_;
  bool exposed_ = false;  // backward has ended
  CommunicationCost cost_;
};

}  // namespace ft
