#include "ft/model/freeze.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ft/base/error.h"

namespace ft {
namespace {

// "layer1." may stand for "layer1".
std::string_view without_final_dot(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  return name;
}

// `path` is the module `name` itself or lies inside it: names match up to a dot, so that "layer1" never means
// "layer10".
bool is_under(std::string_view path, std::string_view name) {
  name = without_final_dot(name);
  return path.starts_with(name) && (path.size() == name.size() || path[name.size()] == '.');
}

bool is_under_any(std::string_view path, const std::vector<std::string>& names) {
  return std::ranges::any_of(names, [&](const std::string& name) { return is_under(path, name); });
}

[[noreturn]] void refuse_unknown_module(const ResNet& model, const std::string& name) {
  // The part of the name that exists, and what stands under it.
  const torch::nn::Module* module = model.get();
  std::string known;
  std::string_view rest = without_final_dot(name);
  while (!rest.empty()) {
    const std::string_view part = rest.substr(0, rest.find('.'));
    const auto children = module->named_children();
    const auto* child = children.find(std::string(part));
    if (child == nullptr) break;
    module = child->get();
    known += fmt::format("{}{}", known.empty() ? "" : ".", part);
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
  }
  const auto children = module->named_children().keys();
  const std::string owner = known.empty() ? "the model" : fmt::format("'{}'", known);
  throw UsageError(fmt::format("model.freeze: the model has no module '{}'", name),
                   children.empty() ? fmt::format("{} has no modules in it", owner)
                                    : fmt::format("{} has {}", owner, fmt::join(children, ", ")));
}

}  // namespace

std::vector<std::string> freeze_modules(ResNet& model, const std::vector<std::string>& names) {
  const auto modules = model->named_modules("", /*include_self=*/false);
  for (const std::string& name : names) {
    if (!modules.contains(std::string(without_final_dot(name)))) refuse_unknown_module(model, name);
  }
  std::vector<std::string> frozen;
  auto parameters = model->named_parameters();
  for (auto& parameter : parameters) {
    if (is_under_any(parameter.key(), names)) frozen.push_back(parameter.key());
  }
  if (frozen.size() == parameters.size()) {
    throw UsageError("model.freeze: nothing is left to train", "leave out at least 'fc', the head");
  }
  for (const std::string& name : frozen) parameters[name].set_requires_grad(false);
  return frozen;
}

void set_train_mode(ResNet& model, const std::vector<std::string>& frozen_modules, BatchNormMode mode) {
  model->train();
  for (const auto& module : model->named_modules("", /*include_self=*/false)) {
    const bool frozen = mode == BatchNormMode::kFrozen || is_under_any(module.key(), frozen_modules);
    if (frozen && module.value()->as<torch::nn::BatchNorm2d>() != nullptr) module.value()->eval();
  }
}

}  // namespace ft
