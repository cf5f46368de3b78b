#include "ft/comm/buckets_in_flight.h"

#include <utility>

#include <fmt/format.h>

namespace ft {

void BucketsInFlight::start(void* data, std::size_t count, ElementKind kind, Wire wire) {
  meter_.started(std::chrono::steady_clock::now());
  works_.push_back(communicator_->start_all_reduce(data, count, kind, ReduceOp::kSum, wire));
  cost_.bytes += all_reduce_bytes_sent(count, kind, wire, communicator_->world_size());
}

// A call that moves one bucket on moves all of them on, so only the oldest is asked.
void BucketsInFlight::poll() {
  while (ended_ < works_.size() && works_[ended_]->test()) {
    meter_.ended(std::chrono::steady_clock::now());
    ++ended_;
  }
}

void BucketsInFlight::backward_ended() {
  exposed_.restart();
  // A world of one has nothing to hide, only the microseconds of finding that out.
  if (communicator_->world_size() > 1) cost_.hidden_s = meter_.busy_seconds(std::chrono::steady_clock::now());
}

CommunicationCost BucketsInFlight::wait_all(const std::function<void(std::size_t)>& arrived) {
  const Deadline deadline = deadline_after(communicator_->timeout());
  for (std::size_t i = 0; i < works_.size(); ++i) {
    works_[i]->wait(deadline, fmt::format("all-reduce of gradient bucket {} of {}", i + 1, works_.size()));
    if (const auto seconds = works_[i]->device_seconds())
      cost_.device_s = cost_.device_s.value_or(0) + *seconds;
    if (arrived) arrived(i);
  }
  works_.clear();
  ended_ = 0;
  meter_ = OverlapMeter();
  cost_.exposed_s = exposed_.seconds();
  return std::exchange(cost_, {});
}

}  // namespace ft
