// Finding the rank that holds all others up.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace ft {

// One rank's own work over a stretch of steps: computing and waiting for data, not waiting for other ranks.
struct RankPace {
  double seconds = 0;
  std::uint64_t images = 0;
};

struct Straggler {
  int rank = 0;
  double times_slower = 0;  // than the median rank, for the same number of images
};

class StragglerWatch {
 public:
  // `stretch`: by rank. Those who took at least twice the median's time an image and did not in the stretch
  // before: a slow rank is named once, until it has caught up. Ranks without images are left out. Of an even
  // number the faster of the two in the middle is the median, or of two ranks none could be named.
  [[nodiscard]] std::vector<Straggler> judge(std::span<const RankPace> stretch);

 private:
  std::vector<bool> slow_before_;
};

}  // namespace ft
