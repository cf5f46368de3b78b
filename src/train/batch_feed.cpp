#include "ft/train/batch_feed.h"

#include <utility>

#include "ft/base/error.h"
#include "ft/train/batch_tensor.h"

#include "device_feed.h"

namespace ft {
namespace {

// The CPU's: the loader has written what the model reads.
class HostFeed final : public BatchFeed {
 public:
  HostFeed(BatchSource source, const LoaderOptions& loading)
      : source_(std::move(source)),
        layout_(loading.format.layout),
        image_size_(loading.transform.image_size) {
    if (loading.format.type == PixelType::kUint8)
      throw Error(ExitCode::kBug, "grey levels are not normalised: the model cannot take them");
  }

  [[nodiscard]] std::optional<FedBatch> next() override {
    const std::optional<BatchView> batch = source_.next();
    if (!batch) return std::nullopt;
    const BatchTensors tensors = to_tensors(*batch, image_size_, layout_);
    return FedBatch{tensors.images, tensors.labels, {batch->sample_ids.begin(), batch->sample_ids.end()}};
  }
  void prefetch() noexcept override {}

 private:
  BatchSource source_;
  PixelLayout layout_;
  int image_size_;
};

// Memory that the device reads by itself. Made by LibTorch's host allocator, which keeps it for later.
BatchMemory allocate_pinned(std::size_t bytes) {
  const auto options = torch::TensorOptions().dtype(torch::kUInt8).pinned_memory(true);
  auto memory = std::make_shared<torch::Tensor>(torch::empty({static_cast<std::int64_t>(bytes)}, options));
  auto* const begin = static_cast<std::byte*>(memory->data_ptr());
  return {std::move(memory), begin};
}

}  // namespace

BatchSource source_of(Loader& loader) {
  return {.next = [&loader] { return loader.next(); }, .ready = [&loader] { return loader.ready(); }};
}

void prepare_for(const torch::Device& device, LoaderOptions& options) {
  if (!device.is_cuda()) return;
  options.format.type = PixelType::kUint8;
  options.allocate = &allocate_pinned;
}

std::unique_ptr<BatchFeed> make_batch_feed(BatchSource source, const LoaderOptions& loading,
                                           torch::ScalarType type, const torch::Device& device) {
  if (device.is_cpu()) return std::make_unique<HostFeed>(std::move(source), loading);
  return make_device_feed(std::move(source), loading, type, device, make_copy_stream(device));
}

}  // namespace ft
