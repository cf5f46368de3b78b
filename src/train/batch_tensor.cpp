#include "ft/train/batch_tensor.h"

namespace ft {
namespace {

torch::ScalarType scalar_type(PixelType type) {
  switch (type) {
    case PixelType::kFloat32:
      return torch::kFloat32;
    case PixelType::kBfloat16:
      return torch::kBFloat16;
    case PixelType::kUint8:
      break;
  }
  return torch::kUInt8;
}

}  // namespace

BatchTensors to_tensors(const BatchView& batch, int image_size, PixelLayout layout) {
  const auto count = static_cast<std::int64_t>(batch.size());
  const std::int64_t side = image_size;
  const std::vector<std::int64_t> sizes{count, 3, side, side};
  const std::vector<std::int64_t> strides =
      layout == PixelLayout::kNhwc ? std::vector<std::int64_t>{side * side * 3, 1, side * 3, 3}
                                   : std::vector<std::int64_t>{side * side * 3, side * side, side, 1};
  torch::Tensor images = torch::from_blob(batch.images.data(), sizes, strides, scalar_type(batch.type));
  // from_blob wants mutable memory; labels are only read.
  torch::Tensor labels =
      torch::from_blob(const_cast<std::int64_t*>(batch.labels.data()), {count}, torch::kInt64);
  return {images, labels};
}

}  // namespace ft
