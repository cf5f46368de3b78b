#include "ft/model/state_dict.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

#include <fmt/format.h>

#include "ft/base/error.h"
#include "ft/base/hash.h"
#include "ft/model/formats/safetensors.h"

namespace ft {
namespace {

struct TypePair {
  ElementType file;
  torch::ScalarType torch;
};

constexpr std::array kTypes = {
    TypePair{ElementType::kFloat16, torch::kFloat16}, TypePair{ElementType::kBFloat16, torch::kBFloat16},
    TypePair{ElementType::kFloat32, torch::kFloat32}, TypePair{ElementType::kFloat64, torch::kFloat64},
    TypePair{ElementType::kInt8, torch::kInt8},       TypePair{ElementType::kInt16, torch::kInt16},
    TypePair{ElementType::kInt32, torch::kInt32},     TypePair{ElementType::kInt64, torch::kInt64},
    TypePair{ElementType::kUInt8, torch::kUInt8},     TypePair{ElementType::kBool, torch::kBool},
};

torch::ScalarType to_torch_type(ElementType type) {
  return std::ranges::find(kTypes, type, &TypePair::file)->torch;
}

ElementType to_file_type(const NamedTensor& entry) {
  const auto* found = std::ranges::find(kTypes, entry.tensor.scalar_type(), &TypePair::torch);
  if (found == kTypes.end()) {
    throw Error(ExitCode::kBug, fmt::format("tensor '{}' has a type that files do not hold", entry.name));
  }
  return found->file;
}

void collect(const torch::nn::Module& module, const std::string& prefix, std::vector<NamedTensor>& out) {
  for (const auto& parameter : module.named_parameters(/*recurse=*/false)) {
    out.push_back({prefix + parameter.key(), parameter.value(), true});
  }
  for (const auto& buffer : module.named_buffers(/*recurse=*/false)) {
    out.push_back({prefix + buffer.key(), buffer.value(), false});
  }
  for (const auto& child : module.named_children()) collect(*child.value(), prefix + child.key() + ".", out);
}

// As files hold it: on the host, NCHW whatever the memory format.
torch::Tensor for_file(const torch::Tensor& tensor) {
  return tensor.detach().cpu().contiguous();
}

std::span<const std::byte> bytes_of(const torch::Tensor& contiguous) {
  return {static_cast<const std::byte*>(contiguous.const_data_ptr()), contiguous.nbytes()};
}

}  // namespace

std::vector<NamedTensor> state_dict(const torch::nn::Module& model) {
  std::vector<NamedTensor> result;
  collect(model, "", result);
  return result;
}

torch::Tensor to_torch(const TensorRecord& record) {
  const auto options = torch::TensorOptions(to_torch_type(record.type));
  if (record.contiguous()) {
    torch::Tensor result = torch::empty(record.shape, options);
    if (!record.bytes.empty())
      std::memcpy(result.mutable_data_ptr(), record.bytes.data(), record.bytes.size());
    return result;
  }
  // Files do not align their bytes; torch's kernels want them aligned.
  const auto elements = static_cast<std::int64_t>(record.bytes.size() / element_size(record.type));
  torch::Tensor storage = torch::empty({elements}, options);
  std::memcpy(storage.mutable_data_ptr(), record.bytes.data(), record.bytes.size());
  return storage.as_strided(record.shape, record.strides).contiguous();
}

std::string weights_sha256(const std::vector<NamedTensor>& tensors, bool parameters_only) {
  Sha256 hash;
  for (const NamedTensor& entry : tensors) {
    if (parameters_only && !entry.is_parameter) continue;
    const torch::Tensor host = for_file(entry.tensor);
    hash.update(bytes_of(host));
  }
  return hash.hex_digest();
}

void save_state_dict(const std::filesystem::path& path, const std::vector<NamedTensor>& tensors,
                     const std::map<std::string, std::string>& metadata) {
  std::vector<torch::Tensor> host;
  std::vector<TensorToWrite> to_write;
  host.reserve(tensors.size());
  to_write.reserve(tensors.size());
  for (const NamedTensor& entry : tensors) {
    const torch::Tensor& copy = host.emplace_back(for_file(entry.tensor));
    to_write.push_back({entry.name, to_file_type(entry), entry.tensor.sizes().vec(), bytes_of(copy)});
  }
  write_safetensors(path, to_write, metadata);
}

}  // namespace ft
