// Waiting with sleeps: the cores belong to the trainer's threads, and with more ranks than cores a spinning
// rank starves the very one it waits for. Sums over MPI poll without sleeps for a moment after each message,
// since a sleep takes longer than the next message does, and only then wait like this.
#pragma once

#include <chrono>
#include <string_view>

#include "ft/comm/communicator.h"
#include "ft/comm/peer_watch.h"

namespace ft {

// Sleep caps. A gradient in flight needs many polls to move on, so its sleeps stay short; a rank that waits
// for an evaluation on rank 0 has time.
inline constexpr std::chrono::microseconds kBriefSleep{1'000};
inline constexpr std::chrono::microseconds kPatientSleep{20'000};

// Sleeps for about 3 % of the time waited so far, between 20 us and the cap: whatever the length of a wait,
// polling costs next to nothing and lengthens it by next to nothing.
class PollPacer {
 public:
  explicit PollPacer(std::chrono::microseconds longest_sleep) noexcept;

  // How long the next sleep is when `waited` has passed since the start. Pure, for the tests.
  [[nodiscard]] std::chrono::microseconds next_sleep(std::chrono::duration<double> waited) const noexcept;
  void sleep() const;
  [[nodiscard]] std::chrono::duration<double> waited() const noexcept;

 private:
  std::chrono::steady_clock::time_point start_;
  std::chrono::microseconds longest_sleep_;
};

// The PeerError of a wait that ran into its deadline; it says who is busy with something else, where `watch`
// (may be null) knows.
[[noreturn]] void throw_timed_out(std::string_view what, std::chrono::duration<double> waited,
                                  PeerWatch* watch);

// Says what this rank waits in, for as long as it does.
class WaitNote {
 public:
  WaitNote(PeerWatch* watch, std::string_view what) : watch_(watch) {
    if (watch_ != nullptr) watch_->begin_wait(what);
  }
  WaitNote(const WaitNote&) = delete;
  WaitNote& operator=(const WaitNote&) = delete;
  ~WaitNote() {
    if (watch_ != nullptr) watch_->end_wait();
  }

 private:
  PeerWatch* watch_;
};

// Whether a rank has got on with a long piece of work recently enough for a wait to go on that was to last
// `patience`. News of it may be a few seconds old.
[[nodiscard]] bool extended_by_progress(PeerWatch* watch, std::chrono::duration<double> patience);

// Calls `done` until it returns true; PeerError naming `what` at the deadline, which moves on while a rank
// tells of progress, and PeerError naming the lost rank as soon as `watch` (may be null) knows of one. `done`
// is called at least once, so that a deadline already past still accepts what is already finished.
template <typename Done>
void poll_until(Done&& done, Deadline deadline, std::chrono::microseconds longest_sleep,
                std::string_view what, PeerWatch* watch = nullptr) {
  if (done()) return;
  const WaitNote note(watch, what);
  const std::chrono::duration<double> patience = deadline - std::chrono::steady_clock::now();
  const PollPacer pacer(longest_sleep);
  do {
    if (watch != nullptr) watch->require_all_alive();
    if (std::chrono::steady_clock::now() >= deadline && !extended_by_progress(watch, patience)) {
      throw_timed_out(what, pacer.waited(), watch);
    }
    pacer.sleep();
  } while (!done());
}

}  // namespace ft
