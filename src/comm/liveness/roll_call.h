// Whether ranks that have not joined are still there.
#pragma once

#include <list>
#include <vector>

#include "connection.h"
#include "poll_set.h"
#include "watcher.h"

namespace ft {

// Every rank listens before any of them joins: where a port refuses, its process has ended. A rank that is
// merely late, or stopped, does not refuse. One refusal may be an accident of the network: two in a row
// count.
class RollCall {
 public:
  using TimePoint = Watcher::TimePoint;

  explicit RollCall(const Roster& roster) : roster_(roster), doors_(roster.ranks.size()) {}

  // Knocks at their doors: once a second, and sooner where the last knock was refused. Of many only at some
  // at a time, in turn.
  void call(const std::vector<int>& missing, TimePoint now);
  void add_to(PollSet& set);
  void hear(const PollSet& set);
  [[nodiscard]] bool is_gone(int rank) const { return doors_[static_cast<std::size_t>(rank)].refusals >= 2; }

 private:
  struct Knock {
    int rank;
    Connection connection;
    TimePoint since;
    std::size_t place = 0;
    bool polled = false;
  };
  struct Door {
    int refusals = 0;  // in a row
    TimePoint next{};
  };

  void knock_at(int rank, TimePoint now);

  Roster roster_;
  std::vector<Door> doors_;  // by rank
  int begin_ = 0;            // whose turn it is
  std::list<Knock> knocks_;
};

}  // namespace ft
