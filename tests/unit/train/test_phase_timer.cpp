#include <thread>

#include <gtest/gtest.h>

#include "ft/train/phase_timer.h"

namespace ft {
namespace {

// A device that is `now` seconds into what it was given; marks are made by a host that runs ahead of it.
struct FakeDevice {
  double now = 0, given = 0;

  class Mark final : public TimeMark {
   public:
    explicit Mark(const FakeDevice& device) : device_(&device), at_(device.given) {}
    [[nodiscard]] bool passed() const override { return device_->now >= at_; }
    [[nodiscard]] double seconds_until(const TimeMark& later) const override {
      return static_cast<const Mark&>(later).at_ - at_;
    }

   private:
    const FakeDevice* device_;
    double at_;
  };
  [[nodiscard]] DeviceClock clock() {
    return [this] { return std::make_unique<Mark>(*this); };
  }
};

TEST(PhaseTimer, GivesEachPhaseTheDevicesTime) {
  FakeDevice device;
  PhaseTimer timer(device.clock());
  for (const auto& [phase, seconds] : {std::pair{Phase::kData, 1.0},
                                       {Phase::kCompute, 10.0},
                                       {Phase::kSums, 3.0},
                                       {Phase::kExchange, 4.0},
                                       {Phase::kCompute, 20.0},
                                       {Phase::kOther, 100.0},
                                       {Phase::kOptimizer, 5.0}}) {
    timer.enter(phase);
    device.given += seconds;
  }
  timer.enter(Phase::kOther);
  device.now = device.given;
  const PhaseTimes times = timer.take();
  EXPECT_EQ(times.data_s, 1);
  EXPECT_EQ(times.compute_s, 30);
  EXPECT_EQ(times.sums_s, 3);
  EXPECT_EQ(times.comm_s(), 7);
  EXPECT_EQ(times.optimizer_s, 5);
}

TEST(PhaseTimer, LeavesWhatTheDeviceHasNotComePastToTheNextCall) {
  FakeDevice device;
  PhaseTimer timer(device.clock());
  timer.enter(Phase::kCompute);
  device.given = 2;
  timer.enter(Phase::kOptimizer);
  device.given = 6;
  timer.enter(Phase::kOther);
  device.now = 5;
  PhaseTimes times = timer.take();
  EXPECT_EQ(times.compute_s, 2);
  EXPECT_EQ(times.optimizer_s, 0);
  device.now = 6;
  times = timer.take();
  EXPECT_EQ(times.compute_s, 0);
  EXPECT_EQ(times.optimizer_s, 4);
  EXPECT_EQ(timer.take().optimizer_s, 0);
}

TEST(PhaseTimer, GoesByTheSteadyClockOnTheCpu) {
  PhaseTimer timer(clock_of(torch::kCPU));
  timer.enter(Phase::kData);
  timer.enter(Phase::kCompute);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  timer.enter(Phase::kOther);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  timer.enter(Phase::kData);
  const PhaseTimes times = timer.take();
  EXPECT_GE(times.compute_s, 0.02);
  EXPECT_LT(times.data_s, times.compute_s);
  EXPECT_EQ(times.comm_s(), 0);
}

}  // namespace
}  // namespace ft
