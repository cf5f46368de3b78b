// Stochastic gradient descent with weight decay and momentum, as torch.optim.SGD defines it (dampening 0, no
// Nesterov):   g = scale * gradient + weight_decay * w;   v = momentum * v + g;   w = w - lr * v
// with v = g in the first step. Walks the segments of flat storage once: update, and zeroing of the gradient,
// in one pass over memory.
#pragma once

#include <array>
#include <span>

#include <torch/torch.h>

#include "ft/config/config.h"
#include "ft/train/flat_parameters.h"

namespace ft {

struct SgdStep {
  float lr = 0;
  float weight_decay = 0;
  float momentum = 0;
  float scale = 1;  // of the gradient: 1/n for mean loss, times the clipping factor
};

// One span. `velocity` is empty without momentum. `gradient` is zero afterwards.
void sgd_update(std::span<float> values, std::span<float> gradient, std::span<float> velocity,
                SgdStep step) noexcept;

// The same on a GPU, of flat pieces. `lr` and `scale`, [1], take the place of the step's: a kernel reads them
// when it runs, so that a captured graph can be replayed with others.
void sgd_update_on_device(torch::Tensor values, torch::Tensor gradient, torch::Tensor velocity,
                          const SgdStep& step, const torch::Tensor& lr, const torch::Tensor& scale);

class Sgd {
 public:
  Sgd(FlatParameters& flat, const OptimizerConfig& config);

  // One update of every group; `lr` is the body's. Gradients are zero afterwards.
  void step(double lr, double gradient_scale);

  // Flat momentum buffer, layout of FlatParameters; undefined without momentum.
  [[nodiscard]] torch::Tensor& velocity() noexcept { return velocity_; }

 private:
  // Written only when it changes.
  class DeviceScalar {
   public:
    explicit DeviceScalar(const torch::Device& device);
    const torch::Tensor& set(float value);

   private:
    torch::Tensor value_;
    float latest_ = 0;
  };

  FlatParameters* flat_;
  std::array<double, 2> lr_factor_;
  float weight_decay_;
  float momentum_;
  torch::Tensor velocity_;
  std::array<DeviceScalar, 2> device_lr_;  // by group
  DeviceScalar device_scale_;
};

// L2 norm over all gradients, summed in double, in a fixed order.
[[nodiscard]] double gradient_norm(FlatParameters& flat);

}  // namespace ft
