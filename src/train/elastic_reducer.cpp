#include "ft/train/elastic_reducer.h"

#include <cmath>

#include <fmt/format.h>

#include "ft/comm/fixed_point.h"

#include "fixed_point_tensors.h"

namespace ft {

ElasticReducer::ElasticReducer(FlatParameters& flat, Communicator& communicator, int parts)
    : flat_(&flat),
      limit_(fixed_point_limit(parts)),
      segment_of_(flat.count()),
      sums_(torch::zeros_like(flat.gradients(), torch::kInt64)),
      beyond_(torch::zeros({static_cast<std::int64_t>(flat.count())}, sums_.options().dtype(torch::kBool))),
      begun_(flat.count(), false),
      tracker_(flat.layout()),
      in_flight_(communicator),
      hooks_(flat, [this](std::size_t parameter) { on_gradient(parameter); }) {
  for (const Bucket& bucket : flat.layout().buckets) {
    for (const Segment& segment : bucket.segments) segment_of_[segment.parameter] = segment;
  }
}

void ElasticReducer::register_with(Communicator& communicator) {
  registered_ = communicator.register_memory(sums_.data_ptr(), sums_.nbytes());
}

void ElasticReducer::arm() {
  tracker_.reset();
  armed_ = true;
}

void ElasticReducer::on_gradient(std::size_t parameter) {
  const torch::NoGradGuard no_grad;
  const Segment& segment = segment_of_[parameter];
  add_to_sums(flat_->gradients().narrow(0, segment.offset, segment.length),
              sums_.narrow(0, segment.offset, segment.length),
              beyond_.narrow(0, static_cast<std::int64_t>(parameter), 1), limit_,
              begun_[parameter] ? SumTerm::kNext : SumTerm::kFirst);
  begun_[parameter] = true;
  if (!armed_) return;
  launch_next(tracker_.mark_ready(parameter));
  in_flight_.poll();
}

void ElasticReducer::launch_next(std::size_t count) {
  const auto& buckets = flat_->layout().buckets;
  auto* sums = sums_.data_ptr<std::int64_t>();
  for (std::size_t i = 0; i < count; ++i) {
    const Bucket& bucket = buckets[in_flight_.started()];
    in_flight_.start(sums + bucket.offset, static_cast<std::size_t>(bucket.length), ElementKind::kInt64,
                     Wire::kAsIs);
  }
}

// A rank without images in this step, or one that gave up: what the last step left must not be sent.
void ElasticReducer::clear_what_did_not_come() {
  for (std::size_t i = 0; i < begun_.size(); ++i) {
    if (!begun_[i]) sums_.narrow(0, segment_of_[i].offset, segment_of_[i].length).zero_();
  }
}

CommunicationCost ElasticReducer::finish() {
  const torch::NoGradGuard no_grad;
  armed_ = false;
  in_flight_.backward_ended();
  clear_what_did_not_come();
  const auto& buckets = flat_->layout().buckets;
  launch_next(buckets.size() - in_flight_.started());
  const CommunicationCost cost = in_flight_.wait_all([&](std::size_t i) {
    from_sums(sums_.narrow(0, buckets[i].offset, buckets[i].length),
              flat_->gradients().narrow(0, buckets[i].offset, buckets[i].length));
  });
  begun_.assign(begun_.size(), false);
  return cost;
}

std::string ElasticReducer::trouble() const {
  if (!beyond_.any().item<bool>()) return {};
  const auto parameter = static_cast<std::size_t>(beyond_.to(torch::kInt).argmax().item<std::int64_t>());
  const Segment& segment = segment_of_[parameter];
  // What could be added is zero by now.
  const torch::Tensor left = flat_->gradients().narrow(0, segment.offset, segment.length);
  return describe_beyond(fmt::format("the gradient of {}", flat_->name(parameter)), left, limit_);
}

}  // namespace ft
