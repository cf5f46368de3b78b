// What only a real GPU can show of the parts: NCCL's calls, streams and events, the way of a batch, and that
// a step on the device is the step on the host.
#include <algorithm>

#include <gtest/gtest.h>

#include "ft/comm/backends.h"
#include "ft/comm/device/device.h"
#include "ft/comm/device/nccl_communicator.h"
#include "ft/train/autocast.h"
#include "ft/train/batch_feed.h"
#include "ft/train/elastic_reducer.h"
#include "ft/train/gradient_reducer.h"
#include "ft/train/phase_timer.h"
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

TEST_F(Gpu, TimesASumByTheDevicesClock) {
  torch::Tensor value = torch::ones({1 << 24}, torch::TensorOptions().device(device));
  const auto registered = gradients->register_memory(value.data_ptr(), value.nbytes());
  EXPECT_NE(registered, nullptr);
  const auto work = gradients->start_all_reduce(value.data_ptr(), static_cast<std::size_t>(value.numel()),
                                                ElementKind::kFloat32, ReduceOp::kSum);
  work->wait(deadline_after(std::chrono::seconds(30)), "the test");
  ASSERT_TRUE(work->device_seconds());
  EXPECT_GE(*work->device_seconds(), 0);
  EXPECT_LT(*work->device_seconds(), 1);
}

// Made-up grey levels; each batch overwrites the memory of the one before.
class Batches {
 public:
  Batches(std::size_t count, const LoaderOptions& loading)
      : count_(count),
        bytes_(loading.max_batch * 3 * static_cast<std::size_t>(loading.transform.image_size) *
               static_cast<std::size_t>(loading.transform.image_size)),
        memory_(loading.allocate(bytes_)),
        labels_(loading.max_batch),
        ids_(loading.max_batch) {
    // Beforehand, so that next() overwrites its memory as fast as it can.
    for (std::size_t i = 0; i < count; ++i) levels_.push_back(levels(i, bytes_));
  }
  [[nodiscard]] BatchSource source() {
    return {.next = [this] { return next(); }, .ready = [] { return true; }};
  }
  [[nodiscard]] static torch::Tensor levels(std::size_t batch, std::size_t bytes) {
    torch::manual_seed(batch);
    return torch::randint(0, 256, {static_cast<std::int64_t>(bytes)}, torch::kUInt8);
  }

 private:
  std::optional<BatchView> next() {
    if (made_ == count_) return std::nullopt;
    torch::from_blob(memory_.get(), {static_cast<std::int64_t>(bytes_)}, torch::kUInt8).copy_(levels_[made_]);
    std::fill(labels_.begin(), labels_.end(), static_cast<std::int64_t>(made_));
    ++made_;
    return BatchView{{memory_.get(), bytes_}, labels_, ids_, PixelType::kUint8};
  }

  std::size_t count_, bytes_, made_ = 0;
  std::vector<torch::Tensor> levels_;
  BatchMemory memory_;
  std::vector<std::int64_t> labels_;
  std::vector<std::uint64_t> ids_;
};

// To the bit what the CPU's arithmetic makes of them, with the device kept busy between.
TEST_F(Gpu, GetsBatchesAsTheCpuWouldNormaliseThem) {
  constexpr std::size_t kBatches = 20;
  LoaderOptions loading;
  loading.max_batch = 32;
  loading.transform.image_size = 224;
  prepare_for(device, loading);
  ASSERT_EQ(loading.format.type, PixelType::kUint8);
  const std::size_t bytes = loading.max_batch * 3 * 224 * 224;
  for (const torch::ScalarType type : {torch::kFloat32, torch::kBFloat16}) {
    Batches batches(kBatches, loading);
    const auto feed = make_batch_feed(batches.source(), loading, type, device);
    const torch::Tensor heavy = torch::randn({4096, 4096}, torch::TensorOptions().device(device));
    std::vector<torch::Tensor> images, labels;
    while (auto batch = feed->next()) {
      torch::Tensor busy = heavy;
      for (int i = 0; i < 20; ++i) busy = heavy.matmul(heavy);  // the host is far ahead
      images.push_back(batch->images.clone());
      labels.push_back(batch->labels.clone());
      feed->prefetch();
    }
    ASSERT_EQ(images.size(), kBatches);
    const auto mean = torch::tensor({0.485F, 0.456F, 0.406F}).view({1, 3, 1, 1});
    const auto deviation = torch::tensor({0.229F, 0.224F, 0.225F}).view({1, 3, 1, 1});
    for (std::size_t i = 0; i < kBatches; ++i) {
      const torch::Tensor levels =
          Batches::levels(i, bytes).view({32, 224, 224, 3}).permute({0, 3, 1, 2}).to(torch::kFloat32);
      const torch::Tensor expected = levels.div(torch::full({1}, 255.0F)).sub(mean).div(deviation).to(type);
      EXPECT_TRUE(torch::equal(images[i].to(torch::kCPU), expected)) << i;
      EXPECT_TRUE(images[i].is_contiguous(torch::MemoryFormat::ChannelsLast));
      EXPECT_EQ(labels[i].min().item<std::int64_t>(), static_cast<std::int64_t>(i));
      EXPECT_EQ(labels[i].max().item<std::int64_t>(), static_cast<std::int64_t>(i));
    }
  }
}

TEST_F(Gpu, ItsClockGivesWorkToThePhaseThatGaveIt) {
  PhaseTimer timer(clock_of(device));
  const torch::Tensor heavy = torch::randn({4096, 4096}, torch::TensorOptions().device(device));
  torch::Tensor busy = heavy.matmul(heavy);  // cuBLAS wakes up
  c10::impl::VirtualGuardImpl(device.type()).synchronizeDevice(device.index());
  timer.enter(Phase::kCompute);
  for (int i = 0; i < 20; ++i) busy = heavy.matmul(heavy);
  timer.enter(Phase::kOptimizer);
  timer.enter(Phase::kOther);
  c10::impl::VirtualGuardImpl(device.type()).synchronizeDevice(device.index());
  const PhaseTimes times = timer.take();
  EXPECT_GT(times.compute_s, 1e-3);  // 2.7 teraflop
  EXPECT_LT(times.optimizer_s, times.compute_s / 10);
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
