#include "ft/train/batch_tensor.h"

namespace ft {

BatchTensors to_tensors(const BatchView& batch, int image_size, PixelLayout layout,
                        const torch::Device& device) {
  const auto count = static_cast<std::int64_t>(batch.size());
  const std::int64_t side = image_size;
  const std::vector<std::int64_t> sizes{count, 3, side, side};
  const std::vector<std::int64_t> strides =
      layout == PixelLayout::kNhwc ? std::vector<std::int64_t>{side * side * 3, 1, side * 3, 3}
                                   : std::vector<std::int64_t>{side * side * 3, side * side, side, 1};
  torch::Tensor images = torch::from_blob(batch.images.data(), sizes, strides, torch::kFloat32);
  // from_blob wants mutable memory; labels are only read.
  torch::Tensor labels =
      torch::from_blob(const_cast<std::int64_t*>(batch.labels.data()), {count}, torch::kInt64);
  return {images.to(device), labels.to(device)};
}

}  // namespace ft
