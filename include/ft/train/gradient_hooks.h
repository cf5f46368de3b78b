// Being told when backward has finished a parameter's gradient.
#pragma once

#include <cstddef>
#include <functional>

#include "ft/train/flat_parameters.h"

namespace ft {

// Calls `on_gradient(parameter)` after each accumulation into a gradient, on autograd's thread, while alive.
// One object for a FlatParameters at a time: a parameter has room for one such hook.
class GradientHooks {
 public:
  // `flat` must outlive the object.
  GradientHooks(FlatParameters& flat, std::function<void(std::size_t parameter)> on_gradient);
  GradientHooks(const GradientHooks&) = delete;
  GradientHooks& operator=(const GradientHooks&) = delete;
  ~GradientHooks();

 private:
  class Hook;

  FlatParameters* flat_;
  std::function<void(std::size_t)> on_gradient_;
};

}  // namespace ft
