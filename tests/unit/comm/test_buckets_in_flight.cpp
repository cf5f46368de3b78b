#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ft/comm/buckets_in_flight.h"

#include "scripted_communicator.h"

namespace ft {
namespace {

// A rank whose sums take a device this long each.
class TimedCommunicator final : public Communicator {
 public:
  explicit TimedCommunicator(std::optional<double> seconds) : seconds_(seconds) {}

  [[nodiscard]] int rank() const noexcept override { return 0; }
  [[nodiscard]] int world_size() const noexcept override { return 2; }
  [[nodiscard]] std::string_view backend() const noexcept override { return "timed"; }
  [[nodiscard]] std::unique_ptr<Work> start_all_reduce(void* /*data*/, std::size_t /*count*/,
                                                       ElementKind /*kind*/, ReduceOp /*op*/,
                                                       Wire /*wire*/) override {
    return std::make_unique<TimedWork>(seconds_);
  }
  void barrier(std::string_view what) override { others_.barrier(what); }
  void broadcast(std::span<std::byte> data, int root, std::string_view what) override {
    others_.broadcast(data, root, what);
  }
  [[nodiscard]] std::vector<std::string> all_gather(std::string_view mine, std::string_view what) override {
    return others_.all_gather(mine, what);
  }
  [[nodiscard]] std::vector<std::string> gather(std::string_view mine, int root,
                                                std::string_view what) override {
    return others_.gather(mine, root, what);
  }
  void exchange(std::span<const std::byte> mine, std::span<std::byte> theirs, int peer,
                std::string_view what) override {
    others_.exchange(mine, theirs, peer, what);
  }
  void all_reduce_host(std::span<double> values, ReduceOp op, std::string_view what) override {
    others_.all_reduce_host(values, op, what);
  }

 private:
  class TimedWork final : public Work {
   public:
    explicit TimedWork(std::optional<double> seconds) : seconds_(seconds) {}
    [[nodiscard]] bool test() override { return true; }
    [[nodiscard]] std::optional<double> device_seconds() const override { return seconds_; }

   private:
    std::optional<double> seconds_;
  };

  std::optional<double> seconds_;
  ScriptedCommunicator others_{{"other"}};
};

CommunicationCost cost_of_three_buckets(std::optional<double> seconds) {
  TimedCommunicator communicator(seconds);
  BucketsInFlight buckets(communicator);
  float data = 0;
  for (int i = 0; i < 3; ++i) buckets.start(&data, 1, ElementKind::kFloat32, Wire::kAsIs);
  buckets.backward_ended();
  return buckets.wait_all();
}

TEST(BucketsInFlight, AddUpTheDevicesTime) {
  const CommunicationCost cost = cost_of_three_buckets(0.5);
  ASSERT_TRUE(cost.device_s);
  EXPECT_EQ(*cost.device_s, 1.5);
  EXPECT_EQ(cost.on_device(0.3).hidden_s, 1.2);
  EXPECT_EQ(cost.on_device(0.3).exposed_s, 0.3);
  EXPECT_EQ(cost.on_device(0.3).bytes, cost.bytes);
  EXPECT_DOUBLE_EQ(cost.on_device(0.3).hidden_share(), 0.8);
  EXPECT_EQ(cost.on_device(2).hidden_s, 0);
}

TEST(BucketsInFlight, HaveNoDevicesTimeWithoutADevice) {
  EXPECT_FALSE(cost_of_three_buckets(std::nullopt).device_s);
}

}  // namespace
}  // namespace ft
