#include "ft/train/gradient_reducer.h"

#include <fmt/format.h>

namespace ft {

GradientReducer::GradientReducer(FlatParameters& flat, Communicator& communicator)
    : flat_(&flat),
      communicator_(&communicator),
      tracker_(flat.layout()),
      hooks_(flat, [this](std::size_t parameter) { on_gradient(parameter); }) {}

void GradientReducer::arm() {
  tracker_.reset();
  armed_ = true;
}

void GradientReducer::on_gradient(std::size_t parameter) {
  if (!armed_) return;
  launch_next(tracker_.mark_ready(parameter));
  // MPI moves bytes only inside its calls: without this, buckets would wait for finish().
  for (const auto& work : in_flight_) (void)work->test();
}

void GradientReducer::launch_next(std::size_t count) {
  const auto& buckets = flat_->layout().buckets;
  float* gradients = flat_->gradients().data_ptr<float>();
  for (std::size_t i = 0; i < count; ++i) {
    const Bucket& bucket = buckets[in_flight_.size()];
    in_flight_.push_back(communicator_->start_all_reduce(gradients + bucket.offset,
                                                         static_cast<std::size_t>(bucket.length),
                                                         ElementKind::kFloat32, ReduceOp::kSum));
  }
}

void GradientReducer::finish() {
  armed_ = false;
  const std::size_t buckets = flat_->layout().buckets.size();
  launch_next(buckets - in_flight_.size());
  const Deadline deadline = deadline_after(communicator_->timeout());
  for (std::size_t i = 0; i < buckets; ++i) {
    in_flight_[i]->wait(deadline, fmt::format("all-reduce of gradient bucket {} of {}", i + 1, buckets));
  }
  in_flight_.clear();
}

}  // namespace ft
