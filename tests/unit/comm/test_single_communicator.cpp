#include <array>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ft/base/error.h"
#include "ft/comm/backends.h"

namespace ft {
namespace {

TEST(SingleCommunicator, IsAWorldOfOne) {
  const auto world = make_single_communicator();
  EXPECT_EQ(world->rank(), 0);
  EXPECT_EQ(world->world_size(), 1);
  EXPECT_EQ(world->backend(), "single");
}

TEST(SingleCommunicator, LeavesValuesAsTheyAre) {
  const auto world = make_single_communicator();
  std::array<float, 2> gradients{1.5F, -2.0F};
  const auto work = world->start_all_reduce(gradients.data(), 2, ElementKind::kFloat32, ReduceOp::kSum);
  EXPECT_TRUE(work->test());
  EXPECT_THAT(gradients, testing::ElementsAre(1.5F, -2.0F));

  static_cast<void>(
      world->start_all_reduce(gradients.data(), 2, ElementKind::kFloat32, ReduceOp::kSum, Wire::kBFloat16));
  EXPECT_THAT(gradients, testing::ElementsAre(1.5F, -2.0F));

  std::array<double, 1> loss{0.25};
  world->all_reduce_host(loss, ReduceOp::kSum, "loss");
  EXPECT_EQ(loss[0], 0.25);
}

TEST(SingleCommunicator, GathersItsOwn) {
  const auto world = make_single_communicator();
  EXPECT_THAT(world->all_gather("mine", "all"), testing::ElementsAre("mine"));
  EXPECT_THAT(world->gather("mine", 0, "one"), testing::ElementsAre("mine"));
}

TEST(SingleCommunicator, RefusesARootThatIsNotThere) {
  const auto world = make_single_communicator();
  std::array<std::byte, 1> data{};
  EXPECT_THROW(world->broadcast(data, 1, "weights"), Error);
  EXPECT_THROW(static_cast<void>(world->gather("mine", -1, "one")), Error);
}

TEST(AllReduceBytes, AreTwiceTheOthersShares) {
  EXPECT_EQ(all_reduce_bytes_sent(1'000, ElementKind::kFloat32, Wire::kAsIs, 1), 0U);
  EXPECT_EQ(all_reduce_bytes_sent(1'000, ElementKind::kFloat32, Wire::kAsIs, 2), 4'000U);
  EXPECT_EQ(all_reduce_bytes_sent(1'000, ElementKind::kFloat32, Wire::kBFloat16, 2), 2'000U);
  EXPECT_EQ(all_reduce_bytes_sent(1'000, ElementKind::kInt64, Wire::kAsIs, 4), 12'000U);
}

}  // namespace
}  // namespace ft
