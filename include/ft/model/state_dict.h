// A model's parameters and buffers by torchvision's names, in torchvision's order.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <torch/torch.h>

#include "ft/model/formats/tensor_file.h"

namespace ft {

struct NamedTensor {
  std::string name;
  torch::Tensor tensor;
  bool is_parameter;
};

// Module by module, parameters before buffers: the order of torch.nn.Module.state_dict(). Shares storage.
[[nodiscard]] std::vector<NamedTensor> state_dict(const torch::nn::Module& model);

// The record as a torch tensor (copied, contiguous NCHW).
[[nodiscard]] torch::Tensor to_torch(const TensorRecord& record);

// SHA-256 over the raw little-endian bytes of the tensors, each contiguous (NCHW), in order.
[[nodiscard]] std::string weights_sha256(const std::vector<NamedTensor>& tensors, bool parameters_only);

// Writes `tensors` (copied to the host, contiguous) with write_safetensors.
void save_state_dict(const std::filesystem::path& path, const std::vector<NamedTensor>& tensors,
                     const std::map<std::string, std::string>& metadata);

}  // namespace ft
