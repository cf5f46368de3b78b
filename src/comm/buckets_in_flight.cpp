#include "ft/comm/buckets_in_flight.h"

#include <utility>

#include <fmt/format.h>

#include "ft/base/stopwatch.h"

namespace ft {

void BucketsInFlight::start(void* data, std::size_t count, ElementKind kind, Wire wire) {
  const Stopwatch starting;
  meter_.started(std::chrono::steady_clock::now());
  buckets_.push_back({communicator_->start_all_reduce(data, count, kind, ReduceOp::kSum, wire),
                      all_reduce_bytes_sent(count, kind, wire, communicator_->world_size())});
  if (exposed_) cost_.exposed_s += starting.seconds();
}

// A call that moves one bucket on moves all of them on, so only the oldest is asked.
void BucketsInFlight::poll() {
  while (ended_ < buckets_.size() && buckets_[ended_].work->test()) {
    meter_.ended(std::chrono::steady_clock::now());
    ++ended_;
  }
}

void BucketsInFlight::backward_ended() {
  exposed_ = true;
  // A world of one has nothing to hide, only the microseconds of finding that out.
  if (communicator_->world_size() > 1) cost_.hidden_s = meter_.busy_seconds(std::chrono::steady_clock::now());
}

CommunicationCost BucketsInFlight::wait_all(const std::function<void(std::size_t)>& arrived) {
  const Deadline deadline = deadline_after(communicator_->timeout());
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    Work& work = *buckets_[i].work;
    const Stopwatch waiting;
    work.wait(deadline, fmt::format("all-reduce of gradient bucket {} of {}", i + 1, buckets_.size()));
    cost_.exposed_s += waiting.seconds();
    cost_.bytes += work.bytes_sent().value_or(buckets_[i].bytes);
    if (const auto seconds = work.device_seconds()) cost_.device_s = cost_.device_s.value_or(0) + *seconds;
    if (arrived) arrived(i);
  }
  buckets_.clear();
  ended_ = 0;
  meter_ = OverlapMeter();
  exposed_ = false;
  return std::exchange(cost_, {});
}

}  // namespace ft
