#include "ft/train/phase_timer.h"

#include <chrono>

#include <c10/core/Event.h>
#include <c10/core/impl/VirtualGuardImpl.h>

namespace ft {
namespace {

class HostMark final : public TimeMark {
 public:
  [[nodiscard]] bool passed() const override { return true; }
  [[nodiscard]] double seconds_until(const TimeMark& later) const override {
    const std::chrono::duration<double> between = static_cast<const HostMark&>(later).at_ - at_;
    return between.count();
  }

 private:
  std::chrono::steady_clock::time_point at_ = std::chrono::steady_clock::now();
};

class EventMark final : public TimeMark {
 public:
  explicit EventMark(const c10::Stream& stream)
      // LibTorch's default is an event without a time.
      : event_(stream.device_type(), c10::EventFlag::BACKEND_DEFAULT) {
    event_.record(stream);
  }
  [[nodiscard]] bool passed() const override { return event_.query(); }
  [[nodiscard]] double seconds_until(const TimeMark& later) const override {
    constexpr double kSecondsPerMillisecond = 1e-3;
    return event_.elapsedTime(static_cast<const EventMark&>(later).event_) * kSecondsPerMillisecond;
  }

 private:
  c10::Event event_;
};

double* time_of(Phase phase, PhaseTimes& times) {
  switch (phase) {
    case Phase::kData:
      return &times.data_s;
    case Phase::kCompute:
      return &times.compute_s;
    case Phase::kSums:
      return &times.sums_s;
    case Phase::kExchange:
      return &times.exchange_s;
    case Phase::kOptimizer:
      return &times.optimizer_s;
    case Phase::kOther:
      break;
  }
  return nullptr;
}

}  // namespace

DeviceClock clock_of(const torch::Device& device) {
  if (device.is_cpu()) return [] { return std::make_unique<HostMark>(); };
  return [device] {
    return std::make_unique<EventMark>(c10::impl::VirtualGuardImpl(device.type()).getStream(device));
  };
}

PhaseTimes PhaseTimer::take() {
  PhaseTimes times;
  while (entered_.size() > 1 && entered_[1].at->passed()) {
    if (double* time = time_of(entered_[0].phase, times))
      *time += entered_[0].at->seconds_until(*entered_[1].at);
    entered_.pop_front();
  }
  return times;
}

}  // namespace ft
