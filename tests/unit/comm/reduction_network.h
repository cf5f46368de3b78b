// A network between ranks of one process that delivers in any order that MPI's rule allows, and what the
// ranks of a reduction's test contribute.
#pragma once

#include <algorithm>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "direct_reduction.h"

namespace ft {

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

inline std::vector<float> contribution(int rank, std::size_t count) {
  std::mt19937 engine(static_cast<unsigned>(rank) + 1);
  std::vector<float> values(count);
  for (auto& value : values) value = std::normal_distribution<float>()(engine);
  return values;
}

// Lets `ranks` run until no message is left; each must have ended then.
inline void run_all(Network& network, std::vector<std::unique_ptr<Reduction>>& ranks) {
  std::deque<Network::Port> ports(ranks.size());
  for (std::size_t r = 0; r < ranks.size(); ++r) {
    ports[r].network = &network;
    ports[r].rank = static_cast<int>(r);
    ranks[r]->begin(ports[r]);
  }
  Network::End end{};
  while (network.next(end)) {
    const auto rank = static_cast<std::size_t>(end.rank);
    if (end.sending) {
      ranks[rank]->sent(end.peer, end.kind, end.segment, ports[rank]);
    } else {
      ranks[rank]->received(end.peer, end.kind, end.segment, ports[rank]);
    }
  }
  EXPECT_TRUE(network.empty());
  for (const auto& rank : ranks) EXPECT_TRUE(rank->done());
}

}  // namespace ft
