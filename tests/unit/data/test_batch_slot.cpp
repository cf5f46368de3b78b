#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "batch_slot.h"

namespace ft {
namespace {

TEST(BatchSlot, GivesItsSamplesInOrderToTheRightBatch) {
  BatchSlot slot(8, 16, allocate_batch(std::size_t{8} * 16));
  EXPECT_EQ(slot.claim(0), std::nullopt);  // not opened yet
  slot.open(7, 3);
  EXPECT_EQ(slot.claim(6), std::nullopt);
  EXPECT_EQ(slot.claim(8), std::nullopt);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(slot.claim(7), i);
    EXPECT_EQ(slot.image(i).data(), slot.images().data() + 16 * i);
  }
  EXPECT_EQ(slot.claim(7), std::nullopt);
  EXPECT_FALSE(slot.finish());
  EXPECT_FALSE(slot.finish());
  EXPECT_FALSE(slot.finished());
  EXPECT_TRUE(slot.finish());
  EXPECT_TRUE(slot.finished());
}

TEST(BatchSlot, KeepsTheErrorOfTheFirstSample) {
  BatchSlot slot(8, 16, allocate_batch(std::size_t{8} * 16));
  slot.open(0, 8);
  for (const int index : {5, 2, 7})
    slot.fail(static_cast<std::size_t>(index), std::make_exception_ptr(index));
  try {
    std::rethrow_exception(slot.error());
  } catch (const int index) {
    EXPECT_EQ(index, 2);
  }
}

// The race that the ticket is for: workers that are late for one batch while the slot has the next.
TEST(BatchSlot, NoSampleIsTakenTwiceOrForAnotherBatch) {
  constexpr std::uint64_t kBatches = 2000;
  constexpr std::size_t kCount = 5;
  BatchSlot slot(kCount, 1, allocate_batch(kCount));
  std::vector<std::atomic<int>> taken(kBatches * kCount);
  std::atomic<std::uint64_t> opened{0};
  std::vector<std::jthread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      for (std::uint64_t batch = 0; batch < kBatches;) {
        if (batch >= opened) {
          std::this_thread::yield();
        } else if (const auto index = slot.claim(batch)) {
          ++taken[batch * kCount + *index];
          static_cast<void>(slot.finish());
        } else {
          ++batch;
        }
      }
    });
  }
  for (std::uint64_t batch = 0; batch < kBatches; ++batch) {
    slot.open(batch, kCount);
    ++opened;
    while (!slot.finished()) std::this_thread::yield();
  }
  threads.clear();
  for (const auto& count : taken) ASSERT_EQ(count, 1);
}

}  // namespace
}  // namespace ft
