#include "ft/train/prepared_model.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "ft/base/error.h"
#include "ft/model/freeze.h"
#include "ft/train/run_plan.h"

namespace ft {
namespace {

void to_channels_last(ResNet& model) {
  const torch::NoGradGuard no_grad;
  for (auto& parameter : model->parameters()) {
    if (parameter.dim() == 4) parameter.set_data(parameter.contiguous(torch::MemoryFormat::ChannelsLast));
  }
}

}  // namespace

void load_state(ResNet& model, const std::vector<NamedTensor>& tensors) {
  const torch::NoGradGuard no_grad;
  std::map<std::string, const torch::Tensor*> by_name;
  for (const NamedTensor& tensor : tensors) by_name[tensor.name] = &tensor.tensor;
  for (NamedTensor& own : state_dict(*model)) {
    const auto found = by_name.find(own.name);
    if (found == by_name.end() || found->second->sizes() != own.tensor.sizes()) {
      throw DataError(fmt::format("the checkpoint does not fit the model at {}", own.name));
    }
    own.tensor.copy_(*found->second);
  }
}

PreparedModel prepare_model(const Config& config, const std::vector<std::string>& classes,
                            const torch::Device& device, const std::vector<NamedTensor>* resumed) {
  PreparedModel prepared;
  prepared.model = make_resnet(config.model.arch, static_cast<std::int64_t>(classes.size()));
  if (resumed != nullptr) {
    load_state(prepared.model, *resumed);
  } else if (config.model.weights == "none") {
    init_from_scratch(prepared.model, config.run.seed);
  } else {
    prepared.source = load_pretrained(prepared.model, config.model, classes, config.run.seed);
  }
  prepared.frozen_parameters = freeze_modules(prepared.model, config.model.freeze);
  for (const auto& parameter : prepared.model->parameters()) {
    prepared.parameters += parameter.numel();
    if (parameter.requires_grad()) prepared.trainable += parameter.numel();
  }
  prepared.model->to(device);
  if (config.train.channels_last) to_channels_last(prepared.model);
  return prepared;
}

std::map<std::string, std::string> weights_metadata(const Config& config,
                                                    const std::vector<std::string>& classes) {
  const TransformOptions transform = transform_options(config.data);
  const nlohmann::ordered_json preprocessing{{"image_size", transform.image_size},
                                             {"resize", transform.resize},
                                             {"resize_mode", transform.resize_shorter ? "shorter" : "squash"},
                                             {"mean", transform.mean},
                                             {"std", transform.std}};
  return {{"format", "pt"},
          {"arch", config.model.arch},
          {"classes", nlohmann::json(classes).dump()},
          {"preprocessing", preprocessing.dump()},
          {"source", config.model.weights}};
}

}  // namespace ft
