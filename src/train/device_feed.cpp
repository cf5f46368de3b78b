#include "device_feed.h"

#include <array>
#include <exception>
#include <utility>

#include "ft/base/error.h"
#include "ft/train/batch_tensor.h"

#include "pixel_normalizer.h"

namespace ft {
namespace {

// Note [Two places on the device]: batch b lies in place b mod 2. It is copied there beside the step of batch
// b - 1, once the step of b - 2, which had the place before, has been left behind. The source's memory is its
// own again when the copy has ended, so that is waited for before the source is asked for more.
class DeviceFeed final : public BatchFeed {
 public:
  DeviceFeed(BatchSource source, const LoaderOptions& loading, torch::ScalarType type,
             const torch::Device& device, std::unique_ptr<CopyStream> copies)
      : source_(std::move(source)),
        layout_(loading.format.layout),
        side_(loading.transform.image_size),
        normalize_(loading.transform, type, device),
        copies_(std::move(copies)) {
    if (loading.format.type != PixelType::kUint8)
      throw Error(ExitCode::kBug, "a device takes grey levels and normalises them itself");
    const auto most = static_cast<std::int64_t>(loading.max_batch);
    const auto format =
        layout_ == PixelLayout::kNhwc ? torch::MemoryFormat::ChannelsLast : torch::MemoryFormat::Contiguous;
    for (Place& place : places_) {
      const auto there = torch::TensorOptions().device(device);
      place.levels = torch::empty({most, 3, side_, side_}, there.dtype(torch::kUInt8), format);
      place.labels = torch::empty({most}, there.dtype(torch::kInt64));
      place.host_labels =
          torch::empty({most}, torch::TensorOptions().dtype(torch::kInt64).pinned_memory(device.is_cuda()));
    }
    // Memory that the compute stream has been promised back may be in use there until then.
    for (Place& place : places_) place.left = copies_->compute_so_far();
  }
  // What is under way reads the source's memory and writes this feed's: `copies_` ends first.

  [[nodiscard]] std::optional<FedBatch> next() override {
    if (taken_ > 0) place_of(taken_ - 1).left = copies_->compute_so_far();
    if (begun_ == taken_) begin_next();
    if (failure_) std::rethrow_exception(failure_);
    if (begun_ == taken_) return std::nullopt;
    const Place& place = place_of(taken_++);
    const auto count = static_cast<std::int64_t>(place.sample_ids.size());
    copies_->compute_follows();
    return FedBatch{normalize_(place.levels.narrow(0, 0, count)), place.labels.narrow(0, 0, count),
                    place.sample_ids};
  }

  void prefetch() noexcept override {
    if (begun_ == taken_) begin_next_if([this] { return source_.ready(); });
  }

 private:
  struct Place {
    torch::Tensor levels, labels, host_labels;
    std::vector<std::uint64_t> sample_ids;
    CopyStream::Point left;  // where the compute stream is done with it
  };

  [[nodiscard]] Place& place_of(std::uint64_t batch) { return places_[batch % places_.size()]; }

  void begin_next() noexcept {
    begin_next_if([] { return true; });
  }
  // What goes wrong is thrown by next(), in whose turn it belongs.
  template <class Condition>
  void begin_next_if(const Condition& condition) noexcept {
    if (ended_ || failure_) return;
    try {
      if (!condition()) return;
      copies_->wait();
      const std::optional<BatchView> batch = source_.next();
      ended_ = !batch;
      if (batch) begin(*batch);
    } catch (...) {
      failure_ = std::current_exception();
    }
  }

  void begin(const BatchView& batch) {
    Place& place = place_of(begun_);
    const BatchTensors host = to_tensors(batch, static_cast<int>(side_), layout_);
    const auto count = static_cast<std::int64_t>(batch.size());
    place.sample_ids.assign(batch.sample_ids.begin(), batch.sample_ids.end());
    copies_->copies_follow(place.left);
    if (count > 0) {
      place.host_labels.narrow(0, 0, count).copy_(host.labels);
      copies_->copy(place.levels.narrow(0, 0, count), host.images);
      copies_->copy(place.labels.narrow(0, 0, count), place.host_labels.narrow(0, 0, count));
    }
    ++begun_;
  }

  BatchSource source_;
  PixelLayout layout_;
  std::int64_t side_;
  PixelNormalizer normalize_;
  std::array<Place, 2> places_;
  std::uint64_t begun_ = 0, taken_ = 0;  // batches
  bool ended_ = false;
  std::exception_ptr failure_;
  std::unique_ptr<CopyStream> copies_;
};

}  // namespace

std::unique_ptr<BatchFeed> make_device_feed(BatchSource source, const LoaderOptions& loading,
                                            torch::ScalarType type, const torch::Device& device,
                                            std::unique_ptr<CopyStream> copies) {
  return std::make_unique<DeviceFeed>(std::move(source), loading, type, device, std::move(copies));
}

}  // namespace ft
