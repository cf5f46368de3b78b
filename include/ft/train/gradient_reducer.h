// Sums gradients over ranks while backward still runs.
//
// Each bucket of FlatParameters leaves as soon as its last gradient is there and all before it have left, so
// every rank starts the same all-reduces in the same order. Armed only for the last micro-step of a step:
// earlier ones just accumulate. A rank without images in a step sends its (zero) buckets from finish().
// Design: Li et al., "PyTorch Distributed: experiences on accelerating data parallel training", VLDB 2020.
#pragma once

#include <cstddef>
#include <memory>

#include "ft/comm/bucket_layout.h"
#include "ft/comm/buckets_in_flight.h"
#include "ft/train/gradient_hooks.h"
#include "ft/train/gradient_sum.h"

namespace ft {

class GradientReducer final : public GradientSum {
 public:
  // Both references must outlive the reducer.
  GradientReducer(FlatParameters& flat, Communicator& communicator,
                  GradientDtype travels_as = GradientDtype::kFp32);

  void register_with(Communicator& communicator) override;
  void arm() override;
  CommunicationCost finish() override;

 private:
  void on_gradient(std::size_t parameter);
  void launch_next(std::size_t count);

  FlatParameters* flat_;
  Wire wire_;
  BucketTracker tracker_;
  std::shared_ptr<void> registered_;  // until what is in flight has ended
  BucketsInFlight in_flight_;
  bool armed_ = false;
  GradientHooks hooks_;  // last: nothing is told while the others are made or gone
};

}  // namespace ft
