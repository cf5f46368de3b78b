// Drives the model layer for test_model.py:
//   model_probe logits ARCH WEIGHTS IN OUT   IN holds `images`; OUT gets `logits` of the loaded model, head
//   included model_probe save ARCH WEIGHTS OUT        loads WEIGHTS, saves the state_dict, prints its SHA-256
// The head is copied row by row, so that a source of any classes keeps its own.
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "ft/base/error.h"
#include "ft/model/pretrained.h"
#include "ft/model/state_dict.h"

namespace {

ft::ResNet load_with_head(const std::string& arch, const std::string& weights) {
  const ft::TensorFile file = ft::read_tensor_file(weights);
  const ft::TensorRecord* head = file.find("fc.bias");
  if (head == nullptr) throw ft::DataError(weights + ": no head");
  ft::ModelConfig config;
  config.arch = arch;
  config.weights = weights;
  std::vector<std::string> classes;
  for (std::int64_t row = 0; row < head->element_count(); ++row) {
    classes.push_back(fmt::format("class {:04}", row));
    config.head_init.emplace(classes.back(), std::to_string(row));
  }
  ft::ResNet model = ft::make_resnet(arch, head->element_count());
  ft::load_pretrained(model, config, classes, /*seed=*/0);
  return model;
}

void write_logits(const std::vector<std::string>& arguments) {
  const torch::NoGradGuard no_grad;
  ft::ResNet model = load_with_head(arguments.at(1), arguments.at(2));
  model->eval();
  const ft::TensorFile input = ft::read_tensor_file(arguments.at(3));
  const torch::Tensor logits = model->forward(ft::to_torch(*input.find("images")));
  ft::save_state_dict(arguments.at(4), {{"logits", logits, false}}, {});
}

void save(const std::vector<std::string>& arguments) {
  const ft::ResNet model = load_with_head(arguments.at(1), arguments.at(2));
  const auto entries = ft::state_dict(*model);
  ft::save_state_dict(arguments.at(3), entries, {{"source", arguments.at(2)}});
  std::cout << ft::weights_sha256(entries, /*parameters_only=*/false) << '\n'
            << ft::weights_sha256(entries, /*parameters_only=*/true) << '\n';
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    arguments.at(0) == "logits" ? write_logits(arguments) : save(arguments);
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "model_probe: " << error.what() << '\n';
    return 1;
  }
}
