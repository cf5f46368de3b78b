// Sums gradients over ranks while backward still runs.
//
// Each bucket of FlatParameters leaves as soon as its last gradient is there and all before it have left, so
// every rank starts the same all-reduces in the same order. Armed only for the last micro-step of a step:
// earlier ones just accumulate. A rank without images in a step sends its (zero) buckets from finish().
// Design: Li et al., "PyTorch Distributed: experiences on accelerating data parallel training", VLDB 2020.
#pragma once

#include <exception>
#include <memory>
#include <vector>

#include "ft/comm/communicator.h"
#include "ft/train/flat_parameters.h"

namespace ft {

class GradientReducer {
 public:
  // Installs a hook on each parameter; the destructor removes them. Both references must outlive the reducer.
  GradientReducer(FlatParameters& flat, Communicator& communicator);
  GradientReducer(const GradientReducer&) = delete;
  GradientReducer& operator=(const GradientReducer&) = delete;
  ~GradientReducer();

  // The next backward pass is the last of this step.
  void arm();
  // Starts what has not left yet, waits for all; afterwards gradients() holds the sum over ranks, the same
  // bits on each. Without arm() before it: a step without images here. Throws PeerError.
  void finish();

 private:
  class Hook;
  void on_gradient(std::size_t parameter);
  void launch_next(std::size_t count);

  FlatParameters* flat_;
  Communicator* communicator_;
  BucketTracker tracker_;
  std::vector<std::unique_ptr<Work>> in_flight_;
  bool armed_ = false;
};

}  // namespace ft
