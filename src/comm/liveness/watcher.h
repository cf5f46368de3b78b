// What a rank's watchdog does in each turn: a hub on rank 0, a member elsewhere. Single-threaded, and with a
// clock of its own, so that tests need not wait for timeouts.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "message.h"
#include "socket.h"

namespace ft {

// Who the ranks are, and what lets them in; the same on all of them.
struct Roster {
  struct Entry {
    std::string host;
    TcpAddress address;
  };
  std::vector<Entry> ranks;
  std::string token;
};

struct LivenessTiming {
  std::chrono::milliseconds beat{1'000};
  std::chrono::milliseconds peer_timeout{15'000};
  // The ranks of a host that dies go one after the other.
  std::chrono::milliseconds gather{150};
  // What the ranks below get for an answer when rank 0 is lost, and for finding out who else is.
  std::chrono::milliseconds inquiry{1'500};
  std::chrono::milliseconds verdict{3'500};
  // What the others get for taking the news.
  std::chrono::milliseconds telling{1'000};
  // How long a rank may be missing at the start before somebody looks whether it is still there.
  // Launchers end the others a second after a death, and by then it must have been said.
  std::chrono::milliseconds late{200};
  // What a farewell gets to arrive, over a link that loses packets too.
  std::chrono::milliseconds parting{10'000};

  [[nodiscard]] static LivenessTiming for_timeout(std::chrono::milliseconds peer_timeout);
  // Half a second is left: a few missing beats must do, and short answers.
  void shorten();
};

class Watcher {
 public:
  using TimePoint = Activity::Clock::time_point;
  using Clock = std::function<TimePoint()>;

  Watcher() = default;
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;
  virtual ~Watcher() = default;

  // Waits at most so long for news, or until `wake` (a descriptor, or -1) is readable. A verdict is given
  // once; after it, turns only bring it to the others.
  [[nodiscard]] virtual std::optional<Verdict> turn(std::chrono::milliseconds longest_wait, int wake) = 0;
  // All ranks are connected.
  [[nodiscard]] virtual bool joined() const = 0;
  static constexpr const char* kNetworkHint =
      "dist.interface names another network; does a firewall stand in between?";

  // Who or what is missing for that, and what may help.
  struct Missing {
    std::string what;
    std::string hint;
  };
  [[nodiscard]] virtual Missing missing() const = 0;
  // What was said has arrived with all who can be expected to take it.
  [[nodiscard]] virtual bool told() const = 0;
  // Which other ranks were last heard to do anything else than wait in `what`, as far as this rank knows:
  // "rank 0 on n0 in evaluating, 300 of 500 (for 12.0 s)". Empty: none.
  [[nodiscard]] virtual std::string busy_elsewhere(std::string_view what) const = 0;
  // How long ago any rank last told of progress.
  [[nodiscard]] virtual std::optional<TimePoint> progressed() const = 0;
  // This process is about to be ended from outside: who is suspicious by now is lost.
  virtual void hurry() = 0;
  virtual void tell_failure(const OwnFailure& failure) = 0;
  virtual void say_farewell() = 0;
};

// A rank that was stopped, or a machine that slept, must not take its own absence for everybody else's.
class StallGuard {
 public:
  explicit StallGuard(const LivenessTiming& timing);
  // How much of the time since the last call did not count.
  [[nodiscard]] std::chrono::nanoseconds lost_time(Watcher::TimePoint now);

 private:
  std::chrono::milliseconds threshold_;
  std::optional<Watcher::TimePoint> last_;
};

}  // namespace ft
