#include "ft/train/gradient_hooks.h"

#include <memory>

#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

namespace ft {

class GradientHooks::Hook : public torch::autograd::PostAccumulateGradHook {
 public:
  Hook(const GradientHooks& hooks, std::size_t parameter) : hooks_(&hooks), parameter_(parameter) {}
  void operator()(const torch::autograd::Variable& /*tensor*/) override { hooks_->on_gradient_(parameter_); }

 private:
  const GradientHooks* hooks_;
  std::size_t parameter_;
};

GradientHooks::GradientHooks(FlatParameters& flat, std::function<void(std::size_t)> on_gradient)
    : flat_(&flat), on_gradient_(std::move(on_gradient)) {
  for (std::size_t i = 0; i < flat.count(); ++i) {
    torch::autograd::impl::set_post_acc_grad_hooks(flat.parameter(i), std::make_unique<Hook>(*this, i));
  }
}

GradientHooks::~GradientHooks() {
  for (std::size_t i = 0; i < flat_->count(); ++i) {
    torch::autograd::impl::set_post_acc_grad_hooks(flat_->parameter(i), nullptr);
  }
}

}  // namespace ft
