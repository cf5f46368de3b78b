// A loader's batch as torch tensors, where it lies.
#pragma once

#include <torch/torch.h>

#include "ft/data/loader.h"

namespace ft {

struct BatchTensors {
  torch::Tensor images;  // [N,3,H,W] float32, bfloat16 or uint8, as the batch
  torch::Tensor labels;  // [N] int64
};

// Both share the loader's memory: valid until its next call to next(). The strides are those of `layout`, so
// nothing is copied for channels_last.
[[nodiscard]] BatchTensors to_tensors(const BatchView& batch, int image_size, PixelLayout layout);

}  // namespace ft
