// One set of BatchNorm running statistics for all parts of a step (`dist.elastic`): each part starts from the
// same ones, and what it makes of them is averaged in fixed point over the parts, so that no number of ranks
// can change the mean.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <torch/torch.h>

#include "ft/comm/communicator.h"
#include "ft/model/resnet.h"

namespace ft {

class ElasticStatistics {
 public:
  // Moves the running statistics of the BatchNorms that train, as the model's modes are now, into flat
  // storage (values kept); the others' are left alone. The model must be on its final device. `parts`: of a
  // whole step, over all ranks. Both references must outlive the object.
  ElasticStatistics(ResNet& model, Communicator& communicator, int parts);

  // Remembers what every part of the step starts from.
  void begin_step();
  // Before a part's forward pass.
  void begin_part();
  // After the forward pass of a part that was normalised by its own images, before its backward pass.
  void end_part();
  // Starts the all-reduce, unless that has happened; on each rank before its first bucket of gradients
  // leaves.
  void start_sum();
  // Afterwards every rank has the mean over the step's parts, of which so many over all ranks were normalised
  // by their own images (0: the statistics stay), and one more batch counted. Throws PeerError.
  void finish(std::uint64_t parts);

  // "layer1.0.bn1.running_var holds ..." when a part's statistics of this step cannot be added, or empty.
  [[nodiscard]] std::string trouble() const;

 private:
  void adopt(const std::string& name, torch::Tensor& buffer, const torch::Tensor& flat, std::int64_t offset);

  struct Place {
    std::string name;
    std::int64_t offset, length;
  };

  Communicator* communicator_;
  float limit_;
  std::vector<Place> places_;
  torch::Tensor values_, start_, scratch_;  // [channels * 2] float32: the model's own, at the start, a copy
  torch::Tensor counts_, start_counts_;     // [batch norms] int64
  torch::Tensor sums_;                      // [channels * 2] int64
  torch::Tensor beyond_;                    // [1] bool
  bool begun_ = false;                      // sums_ holds something of this step
  std::unique_ptr<Work> in_flight_;
};

}  // namespace ft
