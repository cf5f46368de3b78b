// state_dicts that torch.save wrote: the zip archive (torch >= 1.6) and the legacy pickle stream before it.
// A small pickle machine that builds plain values only: it knows the globals a state_dict needs (OrderedDict,
// _rebuild_tensor_v2, _rebuild_parameter, storages) and refuses every other by name, so that a file cannot
// run code. LibTorch's own torch::pickle_load gives None for an OrderedDict, hence this reader.
#pragma once

#include <filesystem>

#include "ft/model/formats/tensor_file.h"

namespace ft {

// Accepts a bare state_dict or a dict that holds one under "state_dict", "model" or "model_state_dict";
// a leading "module." of every key (DataParallel) is dropped. Strided, shared and offset storages are
// resolved.
[[nodiscard]] TensorFile read_torch_file(const std::filesystem::path& path);

}  // namespace ft
