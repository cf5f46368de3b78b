#include <c10/core/Event.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <torch/torch.h>

#include "device_queue.h"

namespace ft {

namespace {

class EventPoint final : public QueuePoint {
 public:
  explicit EventPoint(const c10::Stream& stream)
      // LibTorch's default is an event without a time.
      : event_(stream.device_type(), c10::EventFlag::BACKEND_DEFAULT) {
    event_.record(stream);
  }
  [[nodiscard]] bool passed() const override { return event_.query(); }
  [[nodiscard]] double seconds_since(const QueuePoint& earlier) const override {
    constexpr double kSecondsPerMillisecond = 1e-3;
    return static_cast<const EventPoint&>(earlier).event_.elapsedTime(event_) * kSecondsPerMillisecond;
  }

 private:
  c10::Event event_;
};

// LibTorch's device-neutral streams and events: they reach CUDA through libtorch_cuda.so, which is loaded at
// run time only.
class CudaQueue final : public DeviceQueue {
 public:
  explicit CudaQueue(torch::Device device)
      : guard_(device.type()),
        device_(device),
        stream_(guard_.getStreamFromGlobalPool(device, /*isHighPriority=*/true)),
        scratch_(torch::zeros({1}, torch::TensorOptions().dtype(torch::kFloat32).device(device))) {}

  [[nodiscard]] void* native_handle() const override { return stream_.native_handle(); }

  void follow_compute() override {
    c10::Event computed(device_.type());
    computed.record(guard_.getStream(device_));
    computed.block(stream_);
  }

  [[nodiscard]] std::shared_ptr<void> rounded_copy(const void* values, std::size_t count) override {
    const torch::NoGradGuard no_grad;
    const c10::StreamGuard here(stream_);
    // from_blob takes what it will not change as mutable.
    auto copy =
        std::make_shared<torch::Tensor>(float32(const_cast<void*>(values), count).to(torch::kBFloat16));
    return {copy, copy->data_ptr()};
  }

  void widen(const std::shared_ptr<void>& rounded, void* values, std::size_t count) override {
    const torch::NoGradGuard no_grad;
    const c10::StreamGuard here(stream_);
    float32(values, count)
        .copy_(torch::from_blob(rounded.get(), {static_cast<std::int64_t>(count)},
                                options().dtype(torch::kBFloat16)));
  }

  [[nodiscard]] std::unique_ptr<QueuePoint> mark() override { return std::make_unique<EventPoint>(stream_); }

  [[nodiscard]] void* scratch() override { return scratch_.data_ptr(); }

 private:
  [[nodiscard]] torch::TensorOptions options() const { return torch::TensorOptions().device(device_); }
  [[nodiscard]] torch::Tensor float32(void* values, std::size_t count) const {
    return torch::from_blob(values, {static_cast<std::int64_t>(count)}, options().dtype(torch::kFloat32));
  }

  c10::impl::VirtualGuardImpl guard_;
  torch::Device device_;
  c10::Stream stream_;
  torch::Tensor scratch_;
};

}  // namespace

std::unique_ptr<DeviceQueue> make_cuda_queue(int device_index) {
  return std::make_unique<CudaQueue>(
      torch::Device(torch::kCUDA, static_cast<c10::DeviceIndex>(device_index)));
}

}  // namespace ft
