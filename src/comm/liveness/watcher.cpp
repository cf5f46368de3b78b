#include "watcher.h"

#include <algorithm>

namespace ft {

using std::chrono::milliseconds;

LivenessTiming LivenessTiming::for_timeout(milliseconds peer_timeout) {
  LivenessTiming timing;
  timing.peer_timeout = peer_timeout;
  // Several beats must be missing before silence counts.
  timing.beat = std::min(timing.beat, peer_timeout / 4);
  timing.parting = std::min(timing.parting, peer_timeout);
  return timing;
}

void LivenessTiming::shorten() {
  peer_timeout = std::min(peer_timeout, 3 * beat);
  gather = milliseconds(0);
  inquiry = std::min(inquiry, milliseconds(200));
}

StallGuard::StallGuard(const LivenessTiming& timing)
    : threshold_(std::max(2 * timing.beat, timing.peer_timeout / 4)) {}

std::chrono::nanoseconds StallGuard::lost_time(Watcher::TimePoint now) {
  const auto passed = last_ ? now - *last_ : std::chrono::nanoseconds(0);
  last_ = now;
  return passed > threshold_ ? passed : std::chrono::nanoseconds(0);
}

}  // namespace ft
