// What this rank does now: the watchdog tells the others, and names it should this rank be lost.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace ft {

// A copy of it at one moment; ages count back from there.
struct ActivityReport {
  std::uint64_t step = 0;  // 0: none yet
  std::string operation;   // "evaluation on rank 0, 300 of 500"; may be empty
  bool waiting = false;    // for others, in `operation`
  std::chrono::duration<double> age{0};
  // Since a long piece of work last got on; nothing where there is none.
  std::optional<std::chrono::duration<double>> since_progress;

  // "in step 12, all-reduce of gradient bucket 2 of 3", "in evaluation on rank 0", or empty.
  [[nodiscard]] std::string to_string() const;
};

// Thread-safe: the trainer's thread writes, the watchdog's reads.
class Activity {
 public:
  using Clock = std::chrono::steady_clock;

  void at_step(std::uint64_t step);
  // A piece of work that others wait for ("saving a checkpoint"), until the next call or step.
  void enter(std::string_view operation);
  // It gets on; extends the waits of the others. `of` 0: nobody knows how much there is.
  void progress(std::uint64_t done, std::uint64_t of);
  void leave();
  // A wait on other ranks, on top of the above.
  void begin_wait(std::string_view what);
  void end_wait() noexcept;

  [[nodiscard]] ActivityReport report(Clock::time_point now = Clock::now()) const;

 private:
  mutable std::mutex mutex_;
  std::uint64_t step_ = 0;
  std::string operation_;
  std::string progress_;
  std::string wait_;
  Clock::time_point since_ = Clock::now();
  std::optional<Clock::time_point> progressed_;
};

}  // namespace ft
