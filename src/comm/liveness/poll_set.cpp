#include "poll_set.h"

#include <cerrno>
#include <thread>

namespace ft {

std::size_t PollSet::add(int descriptor, short events) {
  // poll() would pass over it, but count it against the limit on open files.
  if (descriptor < 0) return kNowhere;
  entries_.push_back({descriptor, events, 0});
  return entries_.size() - 1;
}

void PollSet::wait(std::chrono::milliseconds longest) {
  const int ready = ::poll(entries_.data(), entries_.size(), static_cast<int>(longest.count()));
  if (ready > 0) return;
  for (auto& entry : entries_) entry.revents = 0;
  // Without memory, say: whoever polls in a loop must not spin.
  if (ready < 0 && errno != EINTR) std::this_thread::sleep_for(longest);
}

}  // namespace ft
