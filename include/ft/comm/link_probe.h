// How fast the ranks reach each other, measured before training: a slow link then has a name instead of being
// a slow run. Everything here is collective, over host memory unless said otherwise, and sleeps as the
// trainer's own waits do: the figures are what the trainer would see, not what the hardware could do.
#pragma once

#include <chrono>
#include <span>
#include <utility>
#include <vector>

#include "ft/comm/communicator.h"
#include "ft/comm/topology.h"

namespace ft {

using Seconds = std::chrono::duration<double>;

// Medians over repetitions, of the slowest rank.
struct AllReduceSpeed {
  double latency_s = 0;  // of one element
  double seconds = 0;    // of `bytes`
  std::size_t bytes = 0;

  [[nodiscard]] double bytes_per_s() const noexcept {
    return seconds > 0 ? static_cast<double>(bytes) / seconds : 0;
  }
};

// Sums `count` float32 zeros at `data` (memory of `gradients`' device) as often as fits into about `budget`,
// at least once. Every rank gets the same result; a world of one zeros.
[[nodiscard]] AllReduceSpeed probe_all_reduce(Communicator& gradients, void* data, std::size_t count,
                                              Seconds budget);

// Between two ranks: of two on different hosts, the first rank of each speaks for its host.
struct LinkSpeed {
  int a = 0;
  int b = 0;
  double latency_s = 0;    // of a small message, when each has just had the other's
  double bytes_per_s = 0;  // each way, both ways at once
};

// Between hosts first, then within each, every pair once, in about `budget` (10 ms a round at least). On
// rank 0: all links, slowest first; empty elsewhere and in a world of one.
[[nodiscard]] std::vector<LinkSpeed> probe_links(Communicator& host, const std::vector<RankPlace>& places,
                                                 Seconds budget);

// Rounds in which everyone meets everyone else once, nobody twice in a round (the circle method): with n
// players n - 1 rounds when n is even, n when it is odd. Pure.
using Round = std::vector<std::pair<int, int>>;
[[nodiscard]] std::vector<Round> tournament(std::span<const int> players);

}  // namespace ft
