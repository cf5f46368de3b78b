// "Rank 0 is lost: is anyone below me still there?"
#pragma once

#include <optional>
#include <vector>

#include "connection.h"
#include "poll_set.h"
#include "watcher.h"

namespace ft {

// Asks the ranks between 0 and this one, the lowest first: any that answers will speak, or knows who will,
// and is waited for. More and more are asked while none does; in a world of hundreds nobody so holds, or is
// held by, hundreds of connections for long.
class Inquiry {
 public:
  using TimePoint = Watcher::TimePoint;

  Inquiry(int rank, const Roster& roster, TimePoint now);

  void add_to(PollSet& set);
  // The verdict of one that was asked, when it has come.
  [[nodiscard]] std::optional<Verdict> hear(const PollSet& set);
  void ask_more(TimePoint now, const LivenessTiming& timing);
  // To those who have not answered: should they merely have slept, they need not ask again.
  void tell(const Verdict& verdict);

  [[nodiscard]] TimePoint since() const noexcept { return since_; }
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
    TimePoint since;
    bool alive = false;
    std::size_t place = 0;
    bool polled = false;
  };

  void ask_next(TimePoint now);

  int rank_;
  Roster roster_;
  TimePoint since_;
  TimePoint asked_at_;
  int next_ = 1;
  int batch_;
  std::vector<Asked> asked_;
};

}  // namespace ft
