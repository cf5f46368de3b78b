// Do the hosts agree on what time it is? Logs of several hosts are read side by side, and Slurm's credentials
// fail where they do not.
#pragma once

#include <chrono>
#include <functional>
#include <vector>

#include "ft/comm/communicator.h"

namespace ft {

// How far a rank's clock is ahead of rank 0's, in seconds: between these two, whatever the network does. A
// stamp was taken before it was received, on either side, which bounds the offset from both.
struct ClockOffset {
  double least_s = 0;
  double most_s = 0;

  // The part of it that is certain: 0 when the interval holds 0.
  [[nodiscard]] double certain_s() const noexcept {
    if (least_s > 0) return least_s;
    return most_s < 0 ? most_s : 0;
  }
};

// Nanoseconds since the epoch.
using WallClock = std::function<std::int64_t()>;
[[nodiscard]] std::int64_t system_nanoseconds();

// On rank 0: one entry a rank; empty elsewhere. Collective; more rounds narrow the intervals.
[[nodiscard]] std::vector<ClockOffset> compare_clocks(Communicator& host, int rounds,
                                                      const WallClock& clock = system_nanoseconds);

}  // namespace ft
