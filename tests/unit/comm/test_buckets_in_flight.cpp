#include <thread>

#include <gtest/gtest.h>

#include "ft/base/stopwatch.h"
#include "ft/comm/buckets_in_flight.h"

#include "stub_communicator.h"

namespace ft {
namespace {

using std::chrono::milliseconds;

// Ends when it is waited for, after a while.
class SlowWork final : public Work {
 public:
  SlowWork(milliseconds wait, std::optional<std::uint64_t> bytes) : wait_(wait), bytes_(bytes) {}
  [[nodiscard]] bool test() override { return false; }
  void wait(Deadline /*deadline*/, std::string_view /*what*/) override { std::this_thread::sleep_for(wait_); }
  [[nodiscard]] std::optional<std::uint64_t> bytes_sent() const override { return bytes_; }

 private:
  milliseconds wait_;
  std::optional<std::uint64_t> bytes_;
};

constexpr milliseconds kWait{5};

StubCommunicator slow_ranks(std::optional<std::uint64_t> bytes = {}) {
  return StubCommunicator([bytes](void*, std::size_t) { return std::make_unique<SlowWork>(kWait, bytes); });
}

TEST(BucketsInFlight, WorkOnWhatHasArrivedIsNotExposed) {
  StubCommunicator ranks = slow_ranks();
  BucketsInFlight buckets(ranks);
  buckets.start(nullptr, 10, ElementKind::kFloat32, Wire::kAsIs);
  buckets.start(nullptr, 10, ElementKind::kFloat32, Wire::kAsIs);
  const Stopwatch all;
  buckets.backward_ended();
  double elsewhere = 0;
  const auto work_for_a_while = [&] {
    const Stopwatch watch;
    std::this_thread::sleep_for(milliseconds(20));
    elsewhere += watch.seconds();
  };
  work_for_a_while();  // as whoever clears what did not come
  const CommunicationCost cost = buckets.wait_all([&](std::size_t) { work_for_a_while(); });
  EXPECT_GE(cost.exposed_s, std::chrono::duration<double>(2 * kWait).count());
  EXPECT_LE(cost.exposed_s, all.seconds() - elsewhere);
}

TEST(BucketsInFlight, HiddenIsWhatWasUnderWayBeforeTheEndOfBackward) {
  StubCommunicator ranks = slow_ranks();
  BucketsInFlight buckets(ranks);
  const Stopwatch backward;
  buckets.start(nullptr, 10, ElementKind::kFloat32, Wire::kAsIs);
  std::this_thread::sleep_for(kWait);
  buckets.backward_ended();
  const double longest = backward.seconds();
  buckets.start(nullptr, 10, ElementKind::kFloat32, Wire::kAsIs);
  const CommunicationCost cost = buckets.wait_all();
  EXPECT_GE(cost.hidden_s, std::chrono::duration<double>(kWait).count());
  EXPECT_LE(cost.hidden_s, longest);
}

TEST(BucketsInFlight, EachStepCountsAnew) {
  StubCommunicator ranks = slow_ranks();
  BucketsInFlight buckets(ranks);
  buckets.start(nullptr, 10, ElementKind::kFloat32, Wire::kAsIs);
  buckets.backward_ended();
  static_cast<void>(buckets.wait_all());
  EXPECT_EQ(buckets.started(), 0U);
  buckets.backward_ended();
  const CommunicationCost nothing = buckets.wait_all();
  EXPECT_EQ(nothing.bytes, 0U);
  EXPECT_EQ(nothing.hidden_s, 0);
  EXPECT_EQ(nothing.exposed_s, 0);
}

TEST(BucketsInFlight, BytesAreThoseSentOrWhatTheyShouldBe) {
  for (const auto& [told, expected] : {std::pair<std::optional<std::uint64_t>, std::uint64_t>{123, 246},
                                       {std::nullopt, std::uint64_t{80}}}) {
    StubCommunicator ranks = slow_ranks(told);
    BucketsInFlight buckets(ranks);
    buckets.start(nullptr, 10, ElementKind::kFloat32, Wire::kAsIs);
    buckets.start(nullptr, 10, ElementKind::kFloat32, Wire::kAsIs);
    EXPECT_EQ(buckets.wait_all().bytes, expected);
  }
}

// Whose sums take a device this long each.
class TimedWork final : public Work {
 public:
  explicit TimedWork(double seconds) : seconds_(seconds) {}
  [[nodiscard]] bool test() override { return true; }
  [[nodiscard]] std::optional<double> device_seconds() const override { return seconds_; }

 private:
  double seconds_;
};

TEST(BucketsInFlight, AddUpTheDevicesTime) {
  StubCommunicator ranks([](void*, std::size_t) { return std::make_unique<TimedWork>(0.5); });
  BucketsInFlight buckets(ranks);
  for (int i = 0; i < 3; ++i) buckets.start(nullptr, 10, ElementKind::kFloat32, Wire::kAsIs);
  buckets.backward_ended();
  const CommunicationCost cost = buckets.wait_all();
  ASSERT_TRUE(cost.device_s);
  EXPECT_EQ(*cost.device_s, 1.5);
  EXPECT_EQ(cost.on_device(0.3).hidden_s, 1.2);
  EXPECT_EQ(cost.on_device(0.3).exposed_s, 0.3);
  EXPECT_EQ(cost.on_device(0.3).bytes, cost.bytes);
  EXPECT_DOUBLE_EQ(cost.on_device(0.3).hidden_share(), 0.8);
  EXPECT_EQ(cost.on_device(2).hidden_s, 0);
}

TEST(BucketsInFlight, HaveNoDevicesTimeWithoutADevice) {
  StubCommunicator ranks = slow_ranks();
  BucketsInFlight buckets(ranks);
  buckets.start(nullptr, 10, ElementKind::kFloat32, Wire::kAsIs);
  EXPECT_FALSE(buckets.wait_all().device_s);
}

}  // namespace
}  // namespace ft
