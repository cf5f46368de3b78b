// "Rank 0 is lost: is anyone below me still there?"
#pragma once

#include <optional>
#include <vector>

#include "connection.h"
#include "poll_set.h"
#include "watcher.h"

namespace ft {

// Asks all ranks between 0 and this one at once. Who answers will speak, and is waited for.
class Inquiry {
 public:
  using TimePoint = Watcher::TimePoint;

  Inquiry(int rank, const Roster& roster, TimePoint now);

  void add_to(PollSet& set);
  // The verdict of one that was asked, when it has come.
  [[nodiscard]] std::optional<Verdict> hear(const PollSet& set);

  // Nobody can answer any more: each has refused, fallen silent or ended.
  [[nodiscard]] bool nobody_below(TimePoint now, const LivenessTiming& timing) const;
  // Somebody answered but never said more.
  [[nodiscard]] bool left_waiting(TimePoint now, const LivenessTiming& timing) const;
  [[nodiscard]] std::vector<int> answered() const;
  [[nodiscard]] std::vector<int> unanswered() const;

 private:
  struct Asked {
    int rank;
    Connection connection;
    bool alive = false;
    std::size_t place = 0;
  };

  TimePoint since_;
  std::vector<Asked> asked_;
};

}  // namespace ft
