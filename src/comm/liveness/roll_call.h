// Whether ranks that have not joined are still there.
#pragma once

#include <list>
#include <set>
#include <vector>

#include "connection.h"
#include "poll_set.h"
#include "watcher.h"

namespace ft {

// Every rank listens before any of them joins: where a port refuses, its process has ended. A rank that is
// merely late, or stopped, does not refuse.
class RollCall {
 public:
  using TimePoint = Watcher::TimePoint;

  explicit RollCall(const Roster& roster) : roster_(roster) {}

  // Knocks at their doors, once a second.
  void call(const std::vector<int>& missing, TimePoint now);
  void add_to(PollSet& set);
  void hear(const PollSet& set);
  [[nodiscard]] bool is_gone(int rank) const { return gone_.contains(rank); }

 private:
  struct Knock {
    int rank;
    Connection connection;
    std::size_t place = 0;
    bool polled = false;
  };

  Roster roster_;
  TimePoint next_{};
  std::list<Knock> knocks_;
  std::set<int> gone_;
};

}  // namespace ft
