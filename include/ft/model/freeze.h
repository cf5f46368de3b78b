// `freeze:` and the modes of BatchNorm.
#pragma once

#include <string>
#include <vector>

#include "ft/config/config.h"
#include "ft/model/resnet.h"

namespace ft {

// Sets requires_grad=false for every parameter under the given module names ("conv1", "layer1", "layer2.0": a
// name matches up to a dot). Their BatchNorms are frozen whole by set_train_mode. UsageError names one that
// matches no module, with the modules that stand in its place, and refuses a set that leaves nothing to
// train. Returns the names of the frozen parameters.
std::vector<std::string> freeze_modules(ResNet& model, const std::vector<std::string>& names);

// Puts the model in train mode with frozen BatchNorms (all of them when `mode` is kFrozen, those under frozen
// modules always) in evaluation mode. Call before every training phase; model.eval() undoes it.
void set_train_mode(ResNet& model, const std::vector<std::string>& frozen_modules, BatchNormMode mode);

}  // namespace ft
