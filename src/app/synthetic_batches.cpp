#include "synthetic_batches.h"

namespace ft::app {

SyntheticBatches::SyntheticBatches(MicroBatchCut cut, std::uint64_t batch, const LoaderOptions& loading,
                                   std::size_t classes)
    : cut_(cut),
      batch_(batch),
      type_(loading.format.type),
      bytes_of_image_(std::size_t{3} * static_cast<std::size_t>(loading.transform.image_size) *
                      static_cast<std::size_t>(loading.transform.image_size) * bytes_per_value(type_)),
      images_(loading.allocate(loading.max_batch * bytes_of_image_)),
      ids_(loading.max_batch) {
  fill(loading.max_batch * bytes_of_image_ / bytes_per_value(type_));
  labels_.reserve(ids_.size());
  for (std::size_t i = 0; i < ids_.size(); ++i) labels_.push_back(static_cast<std::int64_t>(i % classes));
}

void SyntheticBatches::fill(std::size_t values) {
  const auto count = static_cast<std::int64_t>(values);
  switch (type_) {
    case PixelType::kFloat32:
      torch::from_blob(images_.get(), {count}, torch::kFloat32).normal_();
      return;
    case PixelType::kBfloat16:
      torch::from_blob(images_.get(), {count}, torch::kBFloat16).copy_(torch::randn({count}));
      return;
    case PixelType::kUint8:
      torch::from_blob(images_.get(), {count}, torch::kUInt8).random_(0, 256);
  }
}

std::optional<BatchView> SyntheticBatches::next() {
  const std::size_t count = cut_.part(batch_, micro_).count;
  micro_ = (micro_ + 1) % cut_.micro_batches();
  return BatchView{{images_.get(), count * bytes_of_image_},
                   std::span(labels_).first(count),
                   std::span(ids_).first(count),
                   type_};
}

}  // namespace ft::app
