// What a step needs of whoever adds up gradients over ranks.
#pragma once

#include <memory>
#include <string>

#include "ft/comm/buckets_in_flight.h"
#include "ft/comm/communicator.h"
#include "ft/config/config.h"
#include "ft/train/flat_parameters.h"

namespace ft {

class GradientSum {
 public:
  GradientSum() = default;
  GradientSum(const GradientSum&) = delete;
  GradientSum& operator=(const GradientSum&) = delete;
  virtual ~GradientSum() = default;

  // Tells the communicator of the memory that will travel (dist.register_buffers). Collective.
  virtual void register_with(Communicator& communicator) = 0;
  // The next backward pass is this rank's last of the step.
  virtual void arm() = 0;
  // Starts what has not left yet, waits for all; afterwards gradients() holds the sum over ranks, the same
  // bits on each. Without arm() before it: a step without images here. Throws PeerError.
  virtual CommunicationCost finish() = 0;
  // Why the gradients of the step so far cannot be added ("the gradient of fc.weight ..."); empty when they
  // can. To be asked between a backward pass and finish().
  [[nodiscard]] virtual std::string trouble() const { return {}; }
};

// As `dist.elastic` wants it. The references must outlive the result.
[[nodiscard]] std::unique_ptr<GradientSum> make_gradient_sum(FlatParameters& flat, Communicator& communicator,
                                                             const DistConfig& config);

}  // namespace ft
