// From a pickle's values to named tensors over the file's bytes.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "ft/model/formats/tensor_file.h"

#include "pickle_value.h"

namespace ft {

// The bytes of the storage that a file keeps under a key; DataError when it has none.
using StorageLookup = std::function<std::span<const std::byte>(std::string_view key)>;

// Finds the state_dict in what was unpickled and resolves its tensors. DataError when there is none, when an
// entry is not a tensor, and when a tensor reaches past its storage.
[[nodiscard]] std::vector<TensorRecord> state_dict_records(const pickle::Graph& graph,
                                                           const StorageLookup& storage_bytes,
                                                           const std::filesystem::path& path);

}  // namespace ft
