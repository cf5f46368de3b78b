// The safetensors format: an 8-byte little-endian header length, a JSON header, the raw little-endian data.
// Reference: huggingface/safetensors, "Format" in its README.
#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "ft/model/formats/tensor_file.h"

namespace ft {

// DataError for a header that is torn, overlaps, leaves holes, or disagrees with the file size.
[[nodiscard]] TensorFile read_safetensors(const std::filesystem::path& path);

// A tensor to be written: contiguous row-major bytes.
struct TensorToWrite {
  std::string name;
  ElementType type;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;
};

// Writes atomically; data start aligned to 8 bytes; metadata as `__metadata__`. Deterministic: bytes depend
// on the arguments only, tensors stay in the given order.
void write_safetensors(const std::filesystem::path& path, std::span<const TensorToWrite> tensors,
                       const std::map<std::string, std::string>& metadata);

}  // namespace ft
