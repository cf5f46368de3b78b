// The state machine on its own: several ranks in one process, and a network that delivers in any order that
// MPI's rule allows.
#include <algorithm>
#include <cstring>
#include <deque>
#include <map>
#include <numeric>
#include <random>
#include <tuple>

#include <gtest/gtest.h>

#include "direct_reduction.h"

namespace ft {
namespace {

TEST(DirectPlan, CoversEveryElementOnce) {
  for (const std::size_t count : {0, 1, 2, 15, 16, 17, 100, 1'000, 4'096}) {
    for (const int world : {1, 2, 3, 4, 7}) {
      const DirectPlan plan(count, world, 48);
      std::size_t next = 0;
      for (int owner = 0; owner < world; ++owner) {
        for (std::size_t s = 0; s < plan.segments(owner); ++s) {
          const DataPiece piece = plan.segment(owner, s);
          EXPECT_EQ(piece.begin, next) << count << " elements on " << world;
          EXPECT_GE(piece.count, 1U);
          EXPECT_LE(piece.count, 48U);
          next += piece.count;
        }
      }
      EXPECT_EQ(next, count) << world;
    }
  }
}

TEST(ScratchPool, KeepsWhatWasGivenBack) {
  ScratchPool pool;
  ScratchBuffer large = pool.take(1'000);
  ScratchBuffer small = pool.take(10);
  const auto* large_place = large.bytes.get();
  const auto* small_place = small.bytes.get();
  pool.give_back(std::move(large));
  pool.give_back(std::move(small));
  EXPECT_EQ(pool.take(5).bytes.get(), small_place) << "the smallest that suffices";
  EXPECT_EQ(pool.take(5).bytes.get(), large_place);
  EXPECT_EQ(pool.take(0).bytes.get(), nullptr);
}

// Ranks of one process. A message is copied when both ends are posted, which is when MPI may.
class Network {
 public:
  explicit Network(unsigned seed) : engine_(seed) {}

  struct End {
    int rank, peer;
    MessageKind kind;
    std::size_t segment;
    std::byte* data;
    std::size_t bytes;
    bool sending;
  };
  struct Port final : MessagePort {
    Network* network = nullptr;
    int rank = 0;
    void send(const void* data, std::size_t bytes, int peer, MessageKind kind, std::size_t segment) override {
      auto* memory = const_cast<std::byte*>(static_cast<const std::byte*>(data));
      network->post({rank, peer, kind, segment, memory, bytes, true});
    }
    void receive(void* data, std::size_t bytes, int peer, MessageKind kind, std::size_t segment) override {
      network->post({rank, peer, kind, segment, static_cast<std::byte*>(data), bytes, false});
    }
  };

  void post(const End& end) {
    const auto from = end.sending ? end.rank : end.peer;
    const auto to = end.sending ? end.peer : end.rank;
    auto& [sends, receives] = channels_[{from, to, end.kind}];
    (end.sending ? sends : receives).push_back(end);
    if (sends.empty() || receives.empty()) return;
    const End send = sends.front();
    const End receive = receives.front();
    sends.pop_front();
    receives.pop_front();
    ASSERT_EQ(send.bytes, receive.bytes);
    ASSERT_EQ(send.segment, receive.segment);
    std::memcpy(receive.data, send.data, send.bytes);
    finished_.push_back(send);
    finished_.push_back(receive);
  }
  // One finished end, any of them.
  [[nodiscard]] bool next(End& end) {
    if (finished_.empty()) return false;
    std::swap(finished_[engine_() % finished_.size()], finished_.back());
    end = finished_.back();
    finished_.pop_back();
    return true;
  }
  [[nodiscard]] bool empty() const {
    return std::ranges::all_of(channels_, [](const auto& entry) {
      return entry.second.first.empty() && entry.second.second.empty();
    });
  }

 private:
  std::mt19937 engine_;
  std::map<std::tuple<int, int, MessageKind>, std::pair<std::deque<End>, std::deque<End>>> channels_;
  std::vector<End> finished_;
};

std::vector<float> contribution(int rank, std::size_t count) {
  std::mt19937 engine(static_cast<unsigned>(rank) + 1);
  std::vector<float> values(count);
  for (auto& value : values) value = std::normal_distribution<float>()(engine);
  return values;
}

void check(std::size_t count, int world, std::size_t window, unsigned seed) {
  Network network(seed);
  ScratchPool pool;
  std::vector<std::vector<float>> data;
  std::vector<float> expected = contribution(0, count);
  for (int r = 0; r < world; ++r) data.push_back(contribution(r, count));
  for (std::size_t i = 0; i < count; ++i) {
    for (int r = 1; r < world; ++r) expected[i] += data[static_cast<std::size_t>(r)][i];
  }
  std::deque<DirectReduction> ranks;
  std::deque<Network::Port> ports(static_cast<std::size_t>(world));
  for (int r = 0; r < world; ++r) {
    auto& port = ports[static_cast<std::size_t>(r)];
    port.network = &network;
    port.rank = r;
    ranks.emplace_back(
        ReductionTask{.data = std::as_writable_bytes(std::span(data[static_cast<std::size_t>(r)])).data(),
                      .count = count,
                      .rank = r,
                      .world_size = world,
                      .segment_bytes = 64,
                      .window = window},
        pool);
    ranks.back().begin(port);
  }
  Network::End end{};
  while (network.next(end)) {
    auto& reduction = ranks[static_cast<std::size_t>(end.rank)];
    auto& port = ports[static_cast<std::size_t>(end.rank)];
    if (end.sending) {
      reduction.sent(end.peer, end.kind, end.segment, port);
    } else {
      reduction.received(end.peer, end.kind, end.segment, port);
    }
  }
  EXPECT_TRUE(network.empty());
  for (int r = 0; r < world; ++r) {
    EXPECT_TRUE(ranks[static_cast<std::size_t>(r)].done());
    EXPECT_EQ(data[static_cast<std::size_t>(r)], expected)
        << count << " elements, rank " << r << " of " << world << ", window " << window << ", seed " << seed;
  }
}

TEST(DirectReduction, AddsInTheOrderOfTheRanksWhateverComesFirst) {
  for (const std::size_t count : {0, 1, 3, 16, 33, 500, 777}) {
    for (const int world : {1, 2, 3, 5}) {
      for (const std::size_t window : {1, 2, 100}) {
        for (unsigned seed = 0; seed < 5; ++seed) check(count, world, window, seed);
      }
    }
  }
}

}  // namespace
}  // namespace ft
