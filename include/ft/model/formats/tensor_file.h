// Named tensors as files hold them, without torch: what the readers of .pth and .safetensors give.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace ft {

enum class ElementType {
  kFloat16,
  kBFloat16,
  kFloat32,
  kFloat64,
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kUInt8,
  kBool
};
[[nodiscard]] std::size_t element_size(ElementType type) noexcept;
[[nodiscard]] const char* element_name(ElementType type) noexcept;  // safetensors' names: "F32", "I64", ...

// A tensor inside a TensorFile's memory. Strides are in elements; the bytes start at the tensor's first
// element and reach to its last.
struct TensorRecord {
  std::string name;
  ElementType type;
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> strides;
  std::span<const std::byte> bytes;

  [[nodiscard]] std::int64_t element_count() const noexcept;
  [[nodiscard]] bool contiguous() const noexcept;
};

// The tensors in file order, the file's string metadata, and the memory behind both.
struct TensorFile {
  std::filesystem::path path;
  std::vector<TensorRecord> tensors;
  std::map<std::string, std::string> metadata;
  std::shared_ptr<const void> memory;

  [[nodiscard]] const TensorRecord* find(const std::string& name) const noexcept;
};

// Chooses the reader by content: torch zip archive, torch legacy pickle, safetensors. DataError says what the
// file is instead (an HTML error page, a TorchScript archive, a whole pickled module, ...).
[[nodiscard]] TensorFile read_tensor_file(const std::filesystem::path& path);

}  // namespace ft
