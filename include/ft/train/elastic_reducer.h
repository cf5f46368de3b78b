// Gradients of a step that is cut into fixed parts (`dist.elastic`), as sums that no number of ranks and no
// order can change.
//
// As soon as backward has made a part's gradient of a parameter, it is turned into fixed point
// (ft/comm/fixed_point.h), added to the step's sum and zeroed, while it is still in the cache. In this rank's
// last part a bucket of int64 sums leaves as soon as it is full, as in GradientReducer.
#pragma once

#include <memory>
#include <vector>

#include "ft/train/gradient_hooks.h"
#include "ft/train/gradient_sum.h"

namespace ft {

class ElasticReducer final : public GradientSum {
 public:
  // `parts`: of a whole step, over all ranks. Both references must outlive the reducer.
  ElasticReducer(FlatParameters& flat, Communicator& communicator, int parts);

  void register_with(Communicator& communicator) override;
  void arm() override;
  CommunicationCost finish() override;
  [[nodiscard]] std::string trouble() const override;

  // [total_elements] int64, in steps of 2^-40: after finish(), the sums over all parts.
  [[nodiscard]] const torch::Tensor& sums() const noexcept { return sums_; }

 private:
  void on_gradient(std::size_t parameter);
  void launch_next(std::size_t count);
  void clear_what_did_not_come();

  FlatParameters* flat_;
  float limit_;
  std::vector<Segment> segment_of_;  // by parameter
  torch::Tensor sums_;
  torch::Tensor beyond_;     // [parameters] bool: a value that cannot be added
  std::vector<bool> begun_;  // by parameter: its sum holds something of this step
  BucketTracker tracker_;
  std::shared_ptr<void> registered_;  // until what is in flight has ended
  BucketsInFlight in_flight_;
  bool armed_ = false;
  GradientHooks hooks_;  // last: nothing is told while the others are made or gone
};

}  // namespace ft
