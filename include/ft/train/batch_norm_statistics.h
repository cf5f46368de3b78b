// The running statistics of BatchNorm, which with `batch_norm: local` differ between ranks: averaged in a
// copy for evaluation and exported weights, kept per rank in checkpoints so that saving changes nothing.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <torch/torch.h>

#include "ft/comm/communicator.h"
#include "ft/model/resnet.h"

namespace ft {

// All buffers of the model (running_mean, running_var, num_batches_tracked) in state_dict order, on the host,
// flat in double precision: exact for float32 values and for counts below 2^53.
class RunningStatistics {
 public:
  [[nodiscard]] static RunningStatistics of(const ResNet& model);
  // Writes the values back into the model's buffers.
  void apply_to(ResNet& model) const;

  // The mean over the first `ranks` ranks (at least one), counts rounded to the nearest; the same bits on
  // every rank. Collective, over all ranks.
  [[nodiscard]] RunningStatistics averaged(Communicator& communicator, int ranks) const;
  // The mean of saved ones (a resume on another world size), of which there is at least one.
  [[nodiscard]] static RunningStatistics mean_of(std::span<const RunningStatistics> ranks);

  [[nodiscard]] const std::vector<double>& values() const noexcept { return values_; }
  [[nodiscard]] std::string to_bytes() const;
  [[nodiscard]] static RunningStatistics from_bytes(std::string_view bytes);

 private:
  std::vector<double> values_;
};

// Puts `statistics` into the model while alive, then the model's own back.
class BorrowedStatistics {
 public:
  BorrowedStatistics(ResNet& model, const RunningStatistics& statistics);
  BorrowedStatistics(const BorrowedStatistics&) = delete;
  BorrowedStatistics& operator=(const BorrowedStatistics&) = delete;
  ~BorrowedStatistics();

 private:
  ResNet* model_;
  RunningStatistics own_;
};

}  // namespace ft
