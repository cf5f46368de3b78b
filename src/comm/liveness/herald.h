// Brings a verdict to ranks that have not asked for it.
#pragma once

#include <list>
#include <vector>

#include "connection.h"
#include "poll_set.h"
#include "watcher.h"

namespace ft {

// Some at a time: a process may have fewer descriptors than the world has ranks.
class Herald {
 public:
  using TimePoint = Watcher::TimePoint;

  // From `rank` to each of `to`, in this order.
  Herald(int rank, const Roster& roster, std::vector<int> to, const Verdict& verdict, TimePoint now);

  void add_to(PollSet& set);
  void go_on(const PollSet& set, TimePoint now);
  // Each has taken it, or is not there to do so.
  [[nodiscard]] bool done() const noexcept { return to_.empty() && told_.empty(); }

 private:
  struct Told {
    Connection connection;
    TimePoint since;
    std::size_t place = 0;
    bool polled = false;
  };

  void tell_next(TimePoint now);

  int rank_;
  Roster roster_;
  std::vector<int> to_;  // the next is the last
  Message verdict_;
  std::list<Told> told_;
};

}  // namespace ft
