#include "ft/comm/poll.h"

#include <algorithm>
#include <thread>

#include <fmt/format.h>
#include <sys/prctl.h>

#include "ft/base/error.h"

namespace ft {

namespace {

constexpr std::chrono::microseconds kShortestSleep{20};
constexpr int kWaitedPerSleep = 32;

// Linux lets a thread oversleep by 50 us, to wake up less often. Not in here.
class PunctualSleep {
 public:
  PunctualSleep() : before_(prctl(PR_GET_TIMERSLACK)) { prctl(PR_SET_TIMERSLACK, 1); }
  PunctualSleep(const PunctualSleep&) = delete;
  PunctualSleep& operator=(const PunctualSleep&) = delete;
  ~PunctualSleep() {
    if (before_ > 0) prctl(PR_SET_TIMERSLACK, before_);
  }

 private:
  int before_;  // ns
};

// A rank tells of its progress once a second, and rank 0 passes it on once a second.
constexpr std::chrono::seconds kAgeOfNews{3};

}  // namespace

PollPacer::PollPacer(std::chrono::microseconds longest_sleep) noexcept
    : start_(std::chrono::steady_clock::now()), longest_sleep_(longest_sleep) {}

std::chrono::microseconds PollPacer::next_sleep(std::chrono::duration<double> waited) const noexcept {
  const auto share = std::chrono::duration_cast<std::chrono::microseconds>(waited) / kWaitedPerSleep;
  return std::clamp(share, kShortestSleep, longest_sleep_);
}

void PollPacer::sleep() const {
  const PunctualSleep punctual;
  std::this_thread::sleep_for(next_sleep(waited()));
}

std::chrono::duration<double> PollPacer::waited() const noexcept {
  return std::chrono::steady_clock::now() - start_;
}

bool extended_by_progress(PeerWatch* watch, std::chrono::duration<double> patience) {
  return watch != nullptr && watch->since_progress() < patience + kAgeOfNews;
}

void throw_timed_out(std::string_view what, std::chrono::duration<double> waited, PeerWatch* watch) {
  const std::string busy = watch != nullptr ? watch->busy_elsewhere(what) : "";
  throw PeerError(fmt::format("{}: no answer from the other ranks after {:.1f} s{}{}", what, waited.count(),
                              busy.empty() ? "" : "; ", busy),
                  "a rank is stuck, much slower or gone; dist.timeout_s bounds any one operation");
}

}  // namespace ft
