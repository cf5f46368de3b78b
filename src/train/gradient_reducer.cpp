#include "ft/train/gradient_reducer.h"

namespace ft {

GradientReducer::GradientReducer(FlatParameters& flat, Communicator& communicator, GradientDtype travels_as)
    : flat_(&flat),
      wire_(travels_as == GradientDtype::kBf16 ? Wire::kBFloat16 : Wire::kAsIs),
      tracker_(flat.layout()),
      in_flight_(communicator),
      hooks_(flat, [this](std::size_t parameter) { on_gradient(parameter); }) {}

void GradientReducer::register_with(Communicator& communicator) {
  const torch::Tensor& memory = flat_->gradients();
  registered_ = communicator.register_memory(memory.data_ptr(), memory.nbytes());
}

void GradientReducer::arm() {
  tracker_.reset();
  armed_ = true;
}

void GradientReducer::on_gradient(std::size_t parameter) {
  if (!armed_) return;
  launch_next(tracker_.mark_ready(parameter));
  in_flight_.poll();
}

void GradientReducer::launch_next(std::size_t count) {
  const auto& buckets = flat_->layout().buckets;
  float* gradients = flat_->gradients().data_ptr<float>();
  for (std::size_t i = 0; i < count; ++i) {
    const Bucket& bucket = buckets[in_flight_.started()];
    in_flight_.start(gradients + bucket.offset, static_cast<std::size_t>(bucket.length),
                     ElementKind::kFloat32, wire_);
  }
}

CommunicationCost GradientReducer::finish() {
  armed_ = false;
  in_flight_.backward_ended();
  launch_next(flat_->layout().buckets.size() - in_flight_.started());
  return in_flight_.wait_all();
}

}  // namespace ft
