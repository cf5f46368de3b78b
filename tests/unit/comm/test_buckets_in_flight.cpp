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

}  // namespace
}  // namespace ft
