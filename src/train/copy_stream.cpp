#include "copy_stream.h"

#include <c10/core/Event.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

namespace ft {
namespace {

// LibTorch's device-neutral streams and events, see CudaQueue.
class PooledCopyStream final : public CopyStream {
 public:
  explicit PooledCopyStream(torch::Device device)
      : guard_(device.type()),
        device_(device),
        stream_(guard_.getStreamFromGlobalPool(device, /*isHighPriority=*/false)),
        copied_(device.type()) {}

  // The host's memory, or the device's, may go away with the one who holds this.
  ~PooledCopyStream() override {
    try {
      wait();
    } catch (const c10::Error&) {  // NOLINT(bugprone-empty-catch): a device that failed copies nothing more
    }
  }

  [[nodiscard]] Point compute_so_far() override {
    auto event = std::make_shared<c10::Event>(device_.type());
    event->record(guard_.getStream(device_));
    return event;
  }
  void copies_follow(const Point& point) override {
    static_cast<const c10::Event*>(point.get())->block(stream_);
  }
  void copy(torch::Tensor to, const torch::Tensor& from) override {
    const torch::NoGradGuard no_grad;
    const c10::StreamGuard here(stream_);
    to.copy_(from, /*non_blocking=*/true);
    copied_.record(stream_);
  }
  void compute_follows() override { copied_.block(guard_.getStream(device_)); }
  void wait() override {
    if (copied_.was_marked_for_recording()) copied_.synchronize();
  }

 private:
  c10::impl::VirtualGuardImpl guard_;
  torch::Device device_;
  c10::Stream stream_;
  c10::Event copied_;  // the latest copy
};

}  // namespace

std::unique_ptr<CopyStream> make_copy_stream(const torch::Device& device) {
  return std::make_unique<PooledCopyStream>(device);
}

}  // namespace ft
