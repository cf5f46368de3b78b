// What a step's time goes into, by the clock of the device that computes.
#pragma once

#include <deque>
#include <functional>
#include <memory>

#include <torch/torch.h>

namespace ft {

// kSums: waiting for the gradients' sums after backward. kExchange: for anything else of the other ranks.
enum class Phase { kData, kCompute, kSums, kExchange, kOptimizer, kOther };

struct PhaseTimes {
  double data_s = 0, compute_s = 0, sums_s = 0, exchange_s = 0, optimizer_s = 0;

  [[nodiscard]] double comm_s() const noexcept { return sums_s + exchange_s; }
};

// A moment on a device, which may lie ahead: what was given to the device before must come to its end first.
class TimeMark {
 public:
  TimeMark() = default;
  TimeMark(const TimeMark&) = delete;
  TimeMark& operator=(const TimeMark&) = delete;
  virtual ~TimeMark() = default;
  [[nodiscard]] virtual bool passed() const = 0;
  // Both have passed; `later` comes from the same clock.
  [[nodiscard]] virtual double seconds_until(const TimeMark& later) const = 0;
};

// Marks the end of all that the calling thread has given the device so far.
using DeviceClock = std::function<std::unique_ptr<TimeMark>()>;
// Events on the current stream for a GPU: the host runs ahead of it, so that the host's own clock would give
// one phase another's time. The steady clock for the CPU.
[[nodiscard]] DeviceClock clock_of(const torch::Device& device);

// Not thread-safe; backward's threads may enter phases while their caller waits for them.
class PhaseTimer {
 public:
  explicit PhaseTimer(DeviceClock clock) : clock_(std::move(clock)) {}

  // What the device does from here on belongs to this phase.
  void enter(Phase phase) { entered_.push_back({phase, clock_()}); }
  // The time in each phase that has ended since the last call. Waits for nothing: what the device has not
  // come past yet (of a GPU mostly the optimizer's update) is in the next call's result.
  [[nodiscard]] PhaseTimes take();

 private:
  struct Entered {
    Phase phase;
    std::unique_ptr<TimeMark> at;
  };

  DeviceClock clock_;
  std::deque<Entered> entered_;
};

}  // namespace ft
