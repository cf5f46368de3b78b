// BatchNorm over the images of one rank, or of all.
// Ioffe and Szegedy, "Batch normalization" (2015); over ranks as torch.nn.SyncBatchNorm.
#pragma once

#include <functional>

#include <torch/torch.h>

namespace ft {

// Turns a float64 tensor of this rank's sums into that of all ranks, in place. Called on the module's device:
// in forward and in backward once for each BatchNorm that trains, in the same order on every rank.
using SumOverRanks = std::function<void(torch::Tensor& sums)>;

// torch::nn::BatchNorm2d with one more way to train. While it has a SumOverRanks, and trains, it normalises
// by the mean and variance over all ranks' images, and all ranks' running statistics stay the same. Then an
// empty batch must go through it, forward and backward, on a rank that has no images: the others wait for its
// sums. What it computes is what one rank with all images would, but for rounding: sums travel as float64.
class BatchNormImpl : public torch::nn::BatchNorm2dImpl {
 public:
  explicit BatchNormImpl(std::int64_t planes) : BatchNorm2dImpl(planes) {}
  // x: [N,planes,H,W], float32 or bfloat16.
  torch::Tensor forward(const torch::Tensor& x);
  // An empty function: this rank's own statistics.
  void set_sum_over_ranks(SumOverRanks sum) { sum_ = std::move(sum); }

 private:
  torch::Tensor forward_over_ranks(const torch::Tensor& x);

  SumOverRanks sum_;
};
TORCH_MODULE(BatchNorm);

}  // namespace ft
