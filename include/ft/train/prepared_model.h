// The model as training needs it: initialised, frozen where asked, on its device in its memory format.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ft/config/config.h"
#include "ft/model/pretrained.h"
#include "ft/model/resnet.h"
#include "ft/model/state_dict.h"

namespace ft {

struct PreparedModel {
  ResNet model{nullptr};
  std::vector<std::string> frozen_parameters;
  std::optional<PretrainedReport> source;  // nothing when from scratch or resumed
  std::int64_t parameters = 0;
  std::int64_t trainable = 0;
};

// Steps 1-3 of the chapter: make the network, copy the source's layers or start from scratch, make the head.
// `resumed`: a checkpoint's state_dict, which replaces all of that.
[[nodiscard]] PreparedModel prepare_model(const Config& config, const std::vector<std::string>& classes,
                                          const torch::Device& device,
                                          const std::vector<NamedTensor>* resumed);

// Metadata of a weights file: architecture, classes, preprocessing, where the weights came from.
[[nodiscard]] std::map<std::string, std::string> weights_metadata(const Config& config,
                                                                  const std::vector<std::string>& classes);

// Copies tensors by name into the model's own; every name must be there, with its shape. DataError otherwise.
void load_state(ResNet& model, const std::vector<NamedTensor>& tensors);

}  // namespace ft
