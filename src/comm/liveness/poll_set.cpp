#include "poll_set.h"

namespace ft {

std::size_t PollSet::add(int descriptor, short events) {
  entries_.push_back({descriptor, events, 0});
  return entries_.size() - 1;
}

void PollSet::wait(std::chrono::milliseconds longest) {
  const int ready = ::poll(entries_.data(), entries_.size(), static_cast<int>(longest.count()));
  if (ready > 0) return;
  for (auto& entry : entries_) entry.revents = 0;
}

}  // namespace ft
