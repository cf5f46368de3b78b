// poll(2) over what several objects listen to.
#pragma once

#include <chrono>
#include <cstddef>
#include <limits>
#include <vector>

#include <poll.h>

namespace ft {

class PollSet {
 public:
  // The place to ask found() about. A negative descriptor is never ready.
  std::size_t add(int descriptor, short events);
  void wait(std::chrono::milliseconds longest);
  [[nodiscard]] short found(std::size_t place) const noexcept {
    return place == kNowhere ? short{0} : entries_[place].revents;
  }

 private:
  static constexpr auto kNowhere = std::numeric_limits<std::size_t>::max();

  std::vector<pollfd> entries_;
};

}  // namespace ft
