// Batches on their way from a loader to the device that computes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include <torch/torch.h>

#include "ft/config/config.h"
#include "ft/data/loader.h"

namespace ft {

// Where batches come from: a loader, or made-up ones in a benchmark.
struct BatchSource {
  // As Loader's: the view of the previous call ends with the next one.
  std::function<std::optional<BatchView>()> next;
  std::function<bool()> ready;
};
[[nodiscard]] BatchSource source_of(Loader& loader);

// Where the model is. The tensors are valid until the feed's next() is called again.
struct FedBatch {
  torch::Tensor images;  // [N,3,H,W] float32 or bfloat16, normalised
  torch::Tensor labels;  // [N] int64
  std::vector<std::uint64_t> sample_ids;

  [[nodiscard]] std::size_t size() const noexcept { return sample_ids.size(); }
};

// Not thread-safe.
class BatchFeed {
 public:
  BatchFeed() = default;
  BatchFeed(const BatchFeed&) = delete;
  BatchFeed& operator=(const BatchFeed&) = delete;
  virtual ~BatchFeed() = default;

  // nullopt at the source's end. Throws what the source throws, again and again.
  [[nodiscard]] virtual std::optional<FedBatch> next() = 0;
  // To be called when the device has been given work: begins to bring the next batch there meanwhile, if the
  // source has it ready. Waits for nothing but an earlier copy. What goes wrong is thrown by next().
  virtual void prefetch() noexcept = 0;
};

// How a loader should make its batches for this device: for a GPU as grey levels, a quarter of the bytes, in
// pinned memory, from where they are copied without the host's help.
void prepare_for(const torch::Device& device, LoaderOptions& options);

// For batches in `loading`'s format of at most its max_batch images. On the CPU the images share the source's
// memory. A GPU gets them on a stream of its own, beside the step before, and normalises them, as `type`, to
// the bits that the CPU would have trained on.
[[nodiscard]] std::unique_ptr<BatchFeed> make_batch_feed(BatchSource source, const LoaderOptions& loading,
                                                         torch::ScalarType type, const torch::Device& device);

}  // namespace ft
