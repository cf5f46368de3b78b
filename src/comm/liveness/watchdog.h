// The thread that turns a watcher, and what happens when it finds a loss.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "ft/comm/liveness/liveness.h"

#include "watcher.h"

namespace ft {

class Liveness::Watchdog {
 public:
  using LossLog = std::function<void(const std::string&)>;

  Watchdog(std::unique_ptr<Watcher> watcher, int rank, const LivenessOptions& options, LivenessTiming timing);
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  ~Watchdog();

  // PeerError when the ranks are not all connected by then, or one is lost.
  void wait_joined(Deadline deadline);
  void set_loss_log(LossLog log);

  [[nodiscard]] bool lost() const noexcept { return lost_.load(std::memory_order_acquire); }
  [[nodiscard]] bool lost_within(std::chrono::milliseconds patience);
  // Only once lost() is true.
  [[nodiscard]] Verdict verdict();
  [[nodiscard]] std::optional<Watcher::TimePoint> progressed();
  // Watcher::busy_elsewhere(), asked from another thread.
  [[nodiscard]] std::string busy_elsewhere(std::string_view what);
  [[noreturn]] void leave(int exit_code, std::optional<OwnFailure> own_failure);

 private:
  struct Leaving {
    int exit_code;
    std::optional<OwnFailure> own_failure;
  };

  void run();
  void take_turn();
  void announce(const Verdict& verdict);
  void write_log(const Verdict& verdict);
  // Carries out what main asked for; true when the thread is done.
  [[nodiscard]] bool serve_main();
  void end_if_due();
  void wake() noexcept;

  std::unique_ptr<Watcher> watcher_;  // the thread's own
  int rank_;
  std::string prefix_;
  std::function<bool()> told_to_end_;
  LivenessTiming timing_;
  Socket wake_;

  std::atomic<bool> lost_{false};
  std::atomic<bool> logged_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  bool joined_ = false;
  Watcher::Missing missing_;
  std::optional<std::string> question_;  // to busy_elsewhere()
  std::optional<std::string> answer_;
  std::optional<Verdict> verdict_;
  std::optional<Watcher::TimePoint> progressed_;
  std::optional<Leaving> leaving_;
  bool farewell_ = false;
  LossLog loss_log_;

  // The thread's own.
  bool failure_told_ = false;
  std::optional<Watcher::TimePoint> end_by_;
  std::optional<Watcher::TimePoint> not_before_;

  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace ft
