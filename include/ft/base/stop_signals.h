// SIGUSR1, SIGTERM and SIGINT: what they ask of this process, which depends on what it is doing.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "ft/base/file.h"

namespace ft {

// Note [Signals]
// All threads block the three; one thread takes them, which unlike a signal's handler may write, lock and
// wait.
//
//   this process      SIGUSR1                 SIGTERM, SIGINT
//   starts            waits for training      end it
//   trains            a request               the first is a request; a second of either ends it
//   does other work   ends it                 end it
//   has done          nothing                 the first does nothing; one a second later ends it
//
// Launchers send SIGTERM twice in a row (slurmd at a time limit): one that comes within kSameOrder of
// another, or when all ranks have agreed to save, is the same order and not a second one. "Ends": one line on
// standard error (who, and doing what), the other ranks are told, code 128 + the signal's number. A request
// that came as SIGTERM is one in a hurry: when the ranks have not agreed to stop kAgreementPatience later,
// this one leaves without them, with code 4. A launcher that ignores SIGTERM for itself (nohup, a trap) does
// not mean us; SIGINT stays ignored where it was, as for a shell's background jobs.

// Blocks the three in this thread and all that it starts from now on. No locks, no memory, no other library:
// it may be called before anything is set up.
void hold_stop_signals() noexcept;

// One a process, made first in main, before other threads. All members are thread-safe.
class StopSignals {
 public:
  using Clock = std::chrono::steady_clock;
  // How this process ends: ::_exit where tests do not say otherwise.
  using End = std::function<void(int)>;
  // Writes down that it does, and why. Called from other threads.
  using Record = std::function<void(int exit_code, const std::string& reason)>;
  // What a rank knows of the others, once it does.
  struct Peers {
    // Whether a rank is lost, or is found to be in a moment: that explains the signal, and ends this process
    // in a better way.
    std::function<bool()> lost;
    // Tells the others why this rank goes, and whether it could say so itself; ends the process.
    std::function<void(int exit_code, const std::string& what, bool said)> leave;
  };
  // With the time to record and to tell the others, 5 s in all.
  static constexpr std::chrono::milliseconds kAgreementPatience{4'000};
  static constexpr std::chrono::milliseconds kSameOrder{2'000};

  // `who`: "rank 1 on n0", before each line.
  explicit StopSignals(std::string who, End end = {},
                       std::chrono::milliseconds agreement_patience = kAgreementPatience);
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  // The signals stay blocked: the process is about to end.
  ~StopSignals();

  // What is going on at this moment ("in step 12"), or empty. Called from another thread.
  void set_activity(std::function<std::string()> activity);
  void set_peers(Peers peers);

  // This process does what leaves nothing to go on from: "eval".
  void does(const std::string& command);
  // Its work is done: what comes now must not turn its success, or the code of its error, into something
  // else.
  void done();

  // While it lives, this process trains; afterwards it is done().
  class Training {
   public:
    // `alone`: there is nobody to agree with.
    Training(StopSignals& signals, bool alone, Record record);
    Training(const Training&) = delete;
    Training& operator=(const Training&) = delete;
    ~Training();

   private:
    StopSignals* signals_;
  };

  // For an end that another thread than training's finds, while that one may be stuck.
  void record(int exit_code, const std::string& reason);
  // Such an end itself: an error line, the record, the other ranks are told, this process ends. Returns only
  // when the work is done().
  void fail(int exit_code, const std::string& what);
  // All ranks know that they stop: saving takes as long as it takes.
  void agreed();

  // The request: "SIGUSR1", or empty.
  [[nodiscard]] std::string received() const;
  [[nodiscard]] bool told_to_end() const noexcept { return told_to_end_; }

 private:
  enum class Phase { kStarting, kTraining, kOtherWork, kDone };
  using Lock = std::unique_lock<std::mutex>;

  void run(const std::stop_token& stop);
  [[nodiscard]] int next_signal();
  [[nodiscard]] int read_signal() const noexcept;
  void take(int signal);
  void take_when_done(int signal, Lock lock);
  [[nodiscard]] bool is_the_same_order(int signal, Clock::time_point received_at) const noexcept;
  [[nodiscard]] bool explained_by_a_loss();
  void ask(int signal, Lock lock);
  void end_by(int signal, Lock lock);
  void give_up_if_due();
  void leave(int exit_code, const std::string& kind, const std::string& what, Lock lock);
  [[nodiscard]] std::string doing() const;
  [[nodiscard]] Lock lock_when_free();

  std::string who_;
  End end_;
  std::chrono::milliseconds agreement_patience_;
  UniqueFd signals_;
  UniqueFd wake_;

  std::atomic<int> request_{0};
  std::atomic<bool> told_to_end_{false};

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Phase phase_ = Phase::kStarting;
  std::string command_;
  bool alone_ = false;
  bool agreed_ = false;
  bool busy_ = false;              // ending, or asking the peers
  int asked_by_ = 0;               // SIGTERM or SIGINT, the first in training
  Clock::time_point first_asked_;  // then
  std::optional<Clock::time_point> first_after_done_;
  std::optional<Clock::time_point> asked_at_;  // with the limit that SIGTERM sets
  std::function<std::string()> activity_;
  Peers peers_;
  Record record_;

  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace ft
