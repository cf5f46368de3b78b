#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ft/base/error.h"
#include "ft/base/hash.h"
#include "ft/comm/bfloat16.h"

#include "mpi_communicator.h"

namespace ft {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// testing::Each takes a second for a million elements.
template <typename T>
bool all_equal(const std::vector<T>& values, T expected) {
  return std::ranges::all_of(values, [&](T value) { return value == expected; });
}

class AllReduce : public testing::Test {
 protected:
  [[nodiscard]] int rank() const { return world.rank(); }
  [[nodiscard]] int size() const { return world.world_size(); }

  template <typename T>
  void reduce(std::vector<T>& values, ElementKind kind, ReduceOp op) {
    world.start_all_reduce(values.data(), values.size(), kind, op)
        ->wait(deadline_after(seconds(20)), "reducing in a test");
  }

  // rank + 1 everywhere, reduced by each operation, against what it must give.
  template <typename T>
  void check_kind(ElementKind kind) {
    const auto n = static_cast<T>(size());
    for (const auto& [op, expected] : {std::pair{ReduceOp::kSum, static_cast<T>(n * (n + 1) / 2)},
                                       {ReduceOp::kMin, T{1}},
                                       {ReduceOp::kMax, n}}) {
      for (const std::size_t count : {0, 1, 5, 1000, 300'000}) {
        std::vector<T> values(count, static_cast<T>(rank() + 1));
        reduce(values, kind, op);
        EXPECT_TRUE(all_equal(values, expected)) << count;
      }
    }
  }

  MpiCommunicator world;
};

TEST_F(AllReduce, OfFloat32) {
  check_kind<float>(ElementKind::kFloat32);
}
TEST_F(AllReduce, OfFloat64) {
  check_kind<double>(ElementKind::kFloat64);
}
TEST_F(AllReduce, OfInt64) {
  check_kind<std::int64_t>(ElementKind::kInt64);
}
TEST_F(AllReduce, OfUInt8) {
  check_kind<std::uint8_t>(ElementKind::kUInt8);
}

TEST_F(AllReduce, OfInt64KeepsAllBits) {
  const std::int64_t big = (std::int64_t{1} << 60U) + 1;
  std::vector<std::int64_t> values(10, rank() == 0 ? big : 0);
  reduce(values, ElementKind::kInt64, ReduceOp::kSum);
  EXPECT_THAT(values, testing::Each(big));
}

TEST_F(AllReduce, OfBFloat16) {
  for (const auto& [op, expected] : {std::pair{ReduceOp::kSum, size() * (size() + 1) / 2},
                                     {ReduceOp::kMin, 1},
                                     {ReduceOp::kMax, size()}}) {
    for (const std::size_t count : {1, 1000, 300'000}) {
      std::vector<std::uint16_t> values(count, float_to_bfloat16(static_cast<float>(rank() + 1)));
      reduce(values, ElementKind::kBFloat16, op);
      EXPECT_TRUE(all_equal(values, float_to_bfloat16(static_cast<float>(expected)))) << count;
    }
  }
}

std::vector<float> random_gradients(int rank, std::size_t count) {
  std::mt19937 engine(static_cast<unsigned>(rank) + 7U);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (auto& value : values) value = normal(engine);
  return values;
}

TEST_F(AllReduce, OfBFloat16StaysWithinItsRoundings) {
  constexpr std::size_t kCount = 10'000;
  std::vector<std::uint16_t> values;
  for (const float value : random_gradients(rank(), kCount)) values.push_back(float_to_bfloat16(value));
  reduce(values, ElementKind::kBFloat16, ReduceOp::kSum);

  std::vector<double> exact(kCount);
  std::vector<double> magnitude(kCount);
  for (int r = 0; r < size(); ++r) {
    const auto theirs = random_gradients(r, kCount);
    for (std::size_t i = 0; i < kCount; ++i) {
      const double value = bfloat16_to_float(float_to_bfloat16(theirs[i]));
      exact[i] += value;
      magnitude[i] += std::abs(value);
    }
  }
  // At most size - 1 roundings, each of half a unit in the 8th bit of a partial sum.
  const double per_unit = (size() - 1) / 256.0;
  for (std::size_t i = 0; i < kCount; ++i) {
    ASSERT_LE(std::abs(bfloat16_to_float(values[i]) - exact[i]), magnitude[i] * per_unit) << i;
  }
}

// Replicas stay bitwise equal only if every rank gets the same bits, whatever the order of additions.
TEST_F(AllReduce, GivesEveryRankTheSameBits) {
  for (const std::size_t count : {3, 1000, 500'000}) {
    auto values = random_gradients(rank(), count);
    reduce(values, ElementKind::kFloat32, ReduceOp::kSum);
    const auto hash = to_hex(xxh3_64(std::as_bytes(std::span(values))));
    EXPECT_THAT(world.all_gather(hash, "comparing sums"), testing::Each(hash)) << count;
  }
}

TEST_F(AllReduce, GivesTheSameBitsEachTime) {
  auto first = random_gradients(rank(), 500'000);
  reduce(first, ElementKind::kFloat32, ReduceOp::kSum);
  for (int repeat = 0; repeat < 3; ++repeat) {
    auto again = random_gradients(rank(), 500'000);
    // Late starters must not change the order of additions.
    if (repeat % std::max(1, size()) == rank()) std::this_thread::sleep_for(milliseconds(30));
    reduce(again, ElementKind::kFloat32, ReduceOp::kSum);
    EXPECT_EQ(again, first);
  }
}

TEST_F(AllReduce, WorksInPieces) {
  constexpr std::size_t kPiece = 100;  // 25 floats; 1000 is no multiple of 30
  MpiCommunicator in_pieces({.longest_message = kPiece});
  std::vector<float> values(1010);
  std::iota(values.begin(), values.end(), static_cast<float>(rank()));
  in_pieces.start_all_reduce(values.data(), values.size(), ElementKind::kFloat32, ReduceOp::kSum)
      ->wait(deadline_after(seconds(20)), "reducing in pieces");
  const float ranks = static_cast<float>(size() * (size() - 1)) / 2;
  for (std::size_t i = 0; i < values.size(); ++i) {
    ASSERT_EQ(values[i], static_cast<float>(i) * static_cast<float>(size()) + ranks);
  }
}

TEST_F(AllReduce, SeveralMayBeUnderWay) {
  constexpr std::size_t kBuckets = 6;
  std::vector<std::vector<float>> buckets;
  for (std::size_t b = 0; b < kBuckets; ++b) buckets.emplace_back(50'000 * b + 1, static_cast<float>(b + 1));
  std::vector<std::unique_ptr<Work>> works;
  for (auto& bucket : buckets) {
    works.push_back(
        world.start_all_reduce(bucket.data(), bucket.size(), ElementKind::kFloat32, ReduceOp::kSum));
  }
  // Waiting in any order is allowed.
  for (std::size_t b = kBuckets; b-- > 0;) works[b]->wait(deadline_after(seconds(20)), "a bucket");
  for (std::size_t b = 0; b < kBuckets; ++b) {
    EXPECT_TRUE(all_equal(buckets[b], static_cast<float>(size()) * static_cast<float>(b + 1)));
  }
}

TEST_F(AllReduce, ADroppedWorkIsFinishedFirst) {
  std::vector<float> values(100'000, 1.0F);
  {
    const auto work =
        world.start_all_reduce(values.data(), values.size(), ElementKind::kFloat32, ReduceOp::kSum);
  }
  EXPECT_TRUE(all_equal(values, static_cast<float>(size())));
}

// The communicator that timed out is broken for good on the rank that gave up, so this one is its own.
TEST_F(AllReduce, ARankThatStaysAwayTimesOut) {
  if (size() == 1) GTEST_SKIP() << "nobody to wait for";
  const auto broken = std::make_unique<MpiCommunicator>();
  std::vector<float> values(10, 1.0F);
  if (rank() == 0) {
    const auto work =
        broken->start_all_reduce(values.data(), values.size(), ElementKind::kFloat32, ReduceOp::kSum);
    try {
      work->wait(deadline_after(milliseconds(100)), "averaging bucket 0 of step 7");
      ADD_FAILURE() << "finished without the others";
    } catch (const PeerError& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr("averaging bucket 0 of step 7"));
    }
    // From now on nothing waits again.
    const auto start = std::chrono::steady_clock::now();
    EXPECT_THROW(broken->barrier("the next operation"), PeerError);
    EXPECT_THROW(static_cast<void>(broken->all_gather("", "another")), PeerError);
    EXPECT_LT(std::chrono::steady_clock::now() - start, seconds(1));
    // The others' halves end it, so that MPI_Finalize finds nothing open.
    world.barrier("letting the others come");
    while (!work->test()) std::this_thread::sleep_for(milliseconds(1));
  } else {
    world.barrier("letting rank 0 give up");
    broken->start_all_reduce(values.data(), values.size(), ElementKind::kFloat32, ReduceOp::kSum)
        ->wait(deadline_after(seconds(10)), "the late half");
  }
  EXPECT_TRUE(all_equal(values, static_cast<float>(size())));
}

}  // namespace
}  // namespace ft
