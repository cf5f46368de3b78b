// Where connections come in, and are let in only with the run's token.
#pragma once

#include <chrono>
#include <list>
#include <string>
#include <vector>

#include "connection.h"
#include "poll_set.h"

namespace ft {

enum class Nature { kJoin, kAsk, kTell };

[[nodiscard]] Message hello(const std::string& token, int rank, Nature nature);

class Doorway {
 public:
  using TimePoint = Activity::Clock::time_point;

  struct Guest {
    int rank;
    Nature nature;
    Connection connection;
    std::vector<Message> more;  // what came right behind the hello
  };

  Doorway(Socket listener, std::string token, int world_size);

  void add_to(PollSet& set, TimePoint now);
  // Those who have said hello since. Everyone else is dropped: a wrong token, garbage, silence for 5 s.
  [[nodiscard]] std::vector<Guest> admit(const PollSet& set, TimePoint now);
  // Somebody waits outside, and this process may have no more descriptors.
  [[nodiscard]] bool full() const noexcept { return full_; }

 private:
  struct Stranger {
    Connection connection;
    TimePoint since;
    std::size_t place = 0;
    bool polled = false;
  };

  void accept_all(TimePoint now);
  // Whether the messages begin with a hello; then `guest` has who it is.
  [[nodiscard]] bool recognize(std::vector<Message> messages, Guest& guest) const;

  Socket listener_;
  std::string token_;
  int world_size_;
  std::size_t place_ = 0;
  bool full_ = false;
  TimePoint shut_until_{};
  std::list<Stranger> strangers_;
};

}  // namespace ft
