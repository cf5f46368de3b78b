// A whole world of watchdogs in one process and one thread: real sockets over loopback, a clock that the test
// moves.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "hub.h"
#include "loopback.h"
#include "member.h"

namespace ft::testing_support {

inline constexpr std::uint32_t kLoopback = 0x7F000001U;

class WatchedWorld {
 public:
  using milliseconds = std::chrono::milliseconds;

  // Rank r is on hosts[r]. peer_timeout is 10 s of the test's clock.
  explicit WatchedWorld(std::vector<std::string> hosts)
      : activities(hosts.size()), ranks_(hosts.size()), frozen_(hosts.size()) {
    timing = LivenessTiming::for_timeout(milliseconds(10'000));
    roster.token = "0123456789abcdef";
    std::vector<Socket> listeners;
    for (auto& host : hosts) {
      TcpAddress address{kLoopback, 0};
      listeners.push_back(listen_on(address));
      roster.ranks.push_back({std::move(host), address});
    }
    const auto clock = [this] { return now; };
    for (std::size_t r = 0; r < ranks_.size(); ++r) {
      if (r == 0) {
        ranks_[r] = std::make_unique<Hub>(roster, std::move(listeners[r]), activities[r], timing, clock);
      } else {
        ranks_[r] = std::make_unique<Member>(static_cast<int>(r), roster, std::move(listeners[r]),
                                             activities[r], timing, clock);
      }
    }
  }

  void join() {
    ASSERT_TRUE(run_until([this] { return everyone_joined(); })) << ranks_[0]->missing().what;
  }

  // Moves the clock on by a tenth of a second at a time; everyone alive has a few turns in each, and what
  // they say arrives in between.
  void pass(milliseconds duration) {
    for (milliseconds done{0}; done < duration; done += kTick) tick();
  }
  // False when it has not come true in a minute of the test's clock.
  bool run_until(const std::function<bool()>& condition) {
    for (milliseconds done{0}; done < milliseconds(60'000); done += kTick) {
      if (condition()) return true;
      tick();
    }
    return condition();
  }

  // kill -9: its sockets close, the memory goes.
  void kill(std::size_t rank) {
    ranks_[rank].reset();
    wait_for_ends({roster.ranks[0].address.port, roster.ranks[rank].address.port});
  }
  // SIGSTOP, and SIGCONT.
  void freeze(std::size_t rank) { frozen_[rank] = true; }
  void thaw(std::size_t rank) { frozen_[rank] = false; }

  [[nodiscard]] Watcher& at(std::size_t rank) { return *ranks_[rank]; }
  [[nodiscard]] bool knows(std::size_t rank) const { return verdicts.contains(rank); }
  // Those who speak.
  [[nodiscard]] std::vector<std::size_t> speakers() const {
    std::vector<std::size_t> found;
    for (const auto& [rank, verdict] : verdicts) {
      if (verdict.own_words) found.push_back(rank);
    }
    return found;
  }

  Roster roster;
  LivenessTiming timing;
  Watcher::TimePoint now = Activity::Clock::now();
  std::vector<Activity> activities;
  std::map<std::size_t, Verdict> verdicts;

 private:
  static constexpr milliseconds kTick{100};

  [[nodiscard]] bool everyone_joined() const {
    for (const auto& rank : ranks_) {
      if (rank && !rank->joined()) return false;
    }
    return true;
  }

  void tick() {
    now += kTick;
    for (int round = 0; round < 3; ++round) {
      wait_for_delivery();
      for (std::size_t r = 0; r < ranks_.size(); ++r) {
        if (!ranks_[r] || frozen_[r]) continue;
        if (auto verdict = ranks_[r]->turn(milliseconds(0), -1)) {
          ASSERT_FALSE(verdicts.contains(r)) << "a second verdict on rank " << r;
          verdicts[r] = std::move(*verdict);
        }
      }
    }
  }

  std::vector<std::unique_ptr<Watcher>> ranks_;
  std::vector<bool> frozen_;
};

}  // namespace ft::testing_support
