#include <gtest/gtest.h>

#include "ft/base/error.h"
#include "ft/comm/backends.h"
#include "ft/comm/device/device.h"

#include "gpu.h"

namespace ft {
namespace {

TEST(ChooseDevice, TakesTheCpuWhenAskedTo) {
  const auto chosen = choose_device(DeviceChoice::kCpu, 0, 1);
  EXPECT_TRUE(chosen.device.is_cpu());
  EXPECT_EQ(chosen.description, "cpu");
}

TEST(ChooseDevice, DoesWithoutAGpuWhereThereIsNone) {
  if (has_gpu_driver()) GTEST_SKIP() << "this machine has a GPU driver";
  EXPECT_TRUE(choose_device(DeviceChoice::kAuto, 0, 1).device.is_cpu());
  EXPECT_THROW(static_cast<void>(choose_device(DeviceChoice::kCuda, 0, 1)), UsageError);
}

TEST(ChooseBackend, FitsAProcessOnItsOwn) {
  const auto host = make_single_communicator();
  EXPECT_EQ(choose_backend(BackendChoice::kAuto, *host, torch::kCPU), BackendChoice::kSingle);
}

}  // namespace
}  // namespace ft
