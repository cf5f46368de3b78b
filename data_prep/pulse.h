// How the ranks of a pack know of each other while each works at its own pace.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "ft/comm/communicator.h"

namespace ft {

// What a rank tells the others.
struct RankState {
  std::int64_t done = 0;
  std::int64_t stop = 0;      // 1: a signal asks it to stop, 2: it has failed
  std::int64_t finished = 0;  // 1: nothing is left for it to do
  std::int64_t refused = 0;   // 1 + the first candidate that it refuses, where that ends the pack; 0: none
};

// A non-blocking all-gather, started anew when the last one is through. Every rank makes one at the same
// time and ends it with finish(). One thread.
class Pulse {
 public:
  explicit Pulse(Communicator& communicator);
  Pulse(const Pulse&) = delete;
  Pulse& operator=(const Pulse&) = delete;
  ~Pulse();

  // Cheap, and never waits: call it often. Throws PeerError.
  void beat(const RankState& mine);
  // Beats until every rank has finished; `update` is called in between and may still change `mine`.
  void finish(RankState mine, const std::function<void(RankState& mine)>& update);

  // As of the last beat that came through: sums over the ranks, the highest stop, the lowest refused.
  [[nodiscard]] const RankState& world() const noexcept { return world_; }

 private:
  // False while one is under way.
  bool complete();
  void start(const RankState& mine);

  Communicator& communicator_;
  std::vector<RankState> states_;  // by rank; the memory of the collective under way
  std::unique_ptr<Work> under_way_;
  std::chrono::steady_clock::time_point next_;
  RankState world_;
};

}  // namespace ft
