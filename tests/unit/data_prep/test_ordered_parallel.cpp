#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>

#include <gtest/gtest.h>

#include "ordered_parallel.h"

namespace ft {
namespace {

TEST(OrderedParallel, KeepsTheOrder) {
  for (const int workers : {1, 2, 5}) {
    OrderedParallel<std::size_t> squares(1000, workers, [](std::size_t i) {
      if (i % 7 == 0) std::this_thread::yield();
      return i * i;
    });
    for (std::size_t i = 0; i < 1000; ++i) ASSERT_EQ(squares.next(), i * i);
  }
}

TEST(OrderedParallel, RunsOnlySoFarAhead) {
  std::atomic<std::size_t> started{0};
  OrderedParallel<std::size_t> items(1000, 2, [&](std::size_t i) {
    ++started;
    return i;
  });
  ASSERT_EQ(items.next(), 0U);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_LE(started.load(), 1U + 2U * 4U);
}

TEST(OrderedParallel, ErrorsComeInTurn) {
  OrderedParallel<std::size_t> items(10, 3, [](std::size_t i) {
    if (i >= 4) throw std::runtime_error(std::to_string(i));
    return i;
  });
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(items.next(), i);
  try {
    static_cast<void>(items.next());
    FAIL() << "no error";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "4");
  }
}

TEST(OrderedParallel, ManyAreWaitedForButNotMoreThanThereAre) {
  OrderedParallel<std::size_t> items(11, 2, [](std::size_t i) { return i; });
  constexpr std::chrono::milliseconds kLong{60'000};
  for (std::size_t i = 0; i < 11; ++i) {
    ASSERT_TRUE(items.wait_for_next(kLong, 100));
    ASSERT_EQ(items.next(), i);
  }
}

TEST(OrderedParallel, EachThreadHasAWorkOfItsOwn) {
  std::atomic<int> made{0};
  const auto make = [&made]() -> OrderedParallel<std::size_t>::Work {
    ++made;
    return [calls = std::size_t{0}](std::size_t i) mutable { return ++calls > 0 ? i : 0; };
  };
  OrderedParallel<std::size_t> items(100, 3, make, 7);
  for (std::size_t i = 0; i < 100; ++i) ASSERT_EQ(items.next(), i);
  EXPECT_EQ(made.load(), 3);
}

TEST(OrderedParallel, ResultsMayBeMoveOnly) {
  OrderedParallel<std::unique_ptr<int>> items(
      3, 2, [](std::size_t i) { return std::make_unique<int>(static_cast<int>(i)); });
  for (int i = 0; i < 3; ++i) EXPECT_EQ(*items.next(), i);
}

TEST(OrderedParallel, LeavesEarly) {
  for (int round = 0; round < 50; ++round) {
    OrderedParallel<int> items(100, 4, [](std::size_t) { return 1; });
    if (round % 2 == 0) {
      ASSERT_EQ(items.next(), 1);
    }
  }
}

TEST(OrderedParallel, NothingToDo) {
  const OrderedParallel<int> none(0, 2, [](std::size_t) { return 1; });
}

}  // namespace
}  // namespace ft
