// What only a real GPU can show of the parts: NCCL's calls, streams and events, and that a step on the device
// is the step on the host.
#include <gtest/gtest.h>

#include "ft/comm/backends.h"
#include "ft/comm/device/device.h"
#include "ft/comm/device/nccl_communicator.h"
#include "ft/train/autocast.h"
#include "ft/train/elastic_reducer.h"
#include "ft/train/gradient_reducer.h"
#include "ft/train/sgd.h"

namespace ft {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20U;

class Gpu : public testing::Test {
 protected:
  void SetUp() override {
    const ChosenDevice chosen = choose_device(DeviceChoice::kAuto, 0, 1);
    if (!chosen.device.is_cuda()) GTEST_SKIP() << "this process sees no GPU";
    device = chosen.device;
    set_compute_modes(Precision::kFp32, /*deterministic=*/true, 1);  // or cuDNN takes TF32
    description = chosen.description;
    gradients = make_nccl_communicator(*host, device.index());
  }

  // The gradients of one batch, of the model with these values on `where`.
  torch::Tensor gradients_of(ResNet& model, FlatParameters& flat, Communicator& communicator,
                             const torch::Device& where) const {
    GradientReducer reducer(flat, communicator);
    torch::manual_seed(1);
    const torch::Tensor images = torch::randn({8, 3, 64, 64}).to(where);
    const torch::Tensor labels = (torch::arange(8) % 2).to(where);
    reducer.arm();
    torch::nn::functional::cross_entropy(
        model->forward(images), labels,
        torch::nn::functional::CrossEntropyFuncOptions().reduction(torch::kSum))
        .backward();
    reducer.finish();
    return flat.gradients().to(torch::kCPU);
  }

  std::unique_ptr<Communicator> host = make_single_communicator();
  torch::Device device = torch::kCPU;
  std::string description;
  std::unique_ptr<Communicator> gradients;
};

TEST_F(Gpu, IsNamedWithItsUuid) {
  EXPECT_EQ(description.find("cuda:0 "), 0U) << description;
  EXPECT_NE(description.find("(GPU-"), std::string::npos) << description;
}

// A world of one sums nothing, so these two show that the calls are taken and the stream ends, and no order
// of streams; that takes several GPUs, on which run.py trains.
TEST_F(Gpu, AllReducesEndAndLeaveTheSumOfOne) {
  const auto options = torch::TensorOptions().device(device);
  for (int round = 0; round < 50; ++round) {
    torch::Tensor value = torch::ones({1 << 20}, options);
    for (int i = 0; i < 20; ++i) value.add_(1);
    gradients
        ->start_all_reduce(value.data_ptr(), static_cast<std::size_t>(value.numel()), ElementKind::kFloat32,
                           ReduceOp::kSum)
        ->wait(deadline_after(std::chrono::seconds(30)), "the test");
    ASSERT_EQ(value.min().item<float>(), 21);
    ASSERT_EQ(value.max().item<float>(), 21);
  }
}

TEST_F(Gpu, TakesEveryKindOfElement) {
  const auto check = [&](torch::ScalarType type, ElementKind kind) {
    torch::Tensor value = torch::full({1000}, 3, torch::TensorOptions().device(device).dtype(type));
    for (const ReduceOp op : {ReduceOp::kSum, ReduceOp::kMin, ReduceOp::kMax}) {
      gradients->start_all_reduce(value.data_ptr(), 1000, kind, op)
          ->wait(deadline_after(std::chrono::seconds(30)), "the test");
    }
    EXPECT_TRUE((value == 3).all().item<bool>()) << torch::toString(type);
  };
  check(torch::kFloat32, ElementKind::kFloat32);
  check(torch::kBFloat16, ElementKind::kBFloat16);
  check(torch::kFloat64, ElementKind::kFloat64);
  check(torch::kInt64, ElementKind::kInt64);
  check(torch::kUInt8, ElementKind::kUInt8);
}

TEST_F(Gpu, GradientsAndUpdateAreTheHosts) {
  torch::manual_seed(0);
  ResNet on_host = make_resnet("resnet18", 2);
  torch::manual_seed(0);
  ResNet on_device = make_resnet("resnet18", 2);
  on_device->to(device);
  FlatParameters host_flat(on_host, kMiB, 4 * kMiB), device_flat(on_device, kMiB, 4 * kMiB);
  const torch::Tensor expected = gradients_of(on_host, host_flat, *host, torch::kCPU);
  const torch::Tensor found = gradients_of(on_device, device_flat, *gradients, device);
  const float largest = expected.abs().max().item<float>();
  EXPECT_LT((expected - found).abs().max().item<float>(), 1e-3F * largest);

  // From the same gradients, the same update.
  device_flat.gradients().copy_(host_flat.gradients());
  OptimizerConfig config;
  config.momentum = 0.9;
  Sgd host_sgd(host_flat, config), device_sgd(device_flat, config);
  host_sgd.step(config.lr, 0.5);
  device_sgd.step(config.lr, 0.5);
  EXPECT_LT((host_flat.values() - device_flat.values().to(torch::kCPU)).abs().max().item<float>(), 1e-6F);
  EXPECT_EQ(device_flat.gradients().abs().max().item<float>(), 0);
}

TEST_F(Gpu, ElasticSumsDoNotDependOnTheOrderOfTheParts) {
  constexpr int kParts = 3;
  set_compute_modes(Precision::kFp32, /*deterministic=*/true, /*threads=*/1);
  torch::manual_seed(0);
  ResNet model = make_resnet("resnet18", 2);
  model->to(device);
  FlatParameters flat(model, kMiB, 4 * kMiB);
  ElasticReducer reducer(flat, *gradients, kParts);
  std::vector<torch::Tensor> results;
  for (const auto& order : {std::vector<int>{0, 1, 2}, std::vector<int>{2, 0, 1}}) {
    for (const int part : order) {
      torch::manual_seed(static_cast<std::uint64_t>(part));
      const torch::Tensor images = torch::randn({4, 3, 64, 64}).to(device);
      if (part == order.back()) reducer.arm();
      torch::nn::functional::cross_entropy(
          model->forward(images), (torch::arange(4) % 2).to(device),
          torch::nn::functional::CrossEntropyFuncOptions().reduction(torch::kSum))
          .backward();
    }
    EXPECT_EQ(reducer.trouble(), "");
    reducer.finish();
    results.push_back(flat.gradients().clone());
    flat.gradients().zero_();
  }
  EXPECT_TRUE(torch::equal(results[0], results[1]));
  EXPECT_GT(results[0].abs().max().item<float>(), 0);
}

}  // namespace
}  // namespace ft
