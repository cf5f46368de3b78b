#include "ft/train/stop_request.h"

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>

namespace ft {
namespace {

constexpr std::array<int, 3> kSignals{SIGUSR1, SIGTERM, SIGINT};

// The one thing that a handler may touch.
std::atomic<int>& received_signal() {
  static std::atomic<int> signal{0};
  static_assert(std::atomic<int>::is_always_lock_free);
  return signal;
}

void handle(int signal) {
  received_signal() = signal;
  if (signal != SIGUSR1) std::signal(signal, SIG_DFL);
}

// Once another rank is lost, the watchdog has it ignored until this process has said so and ended.
bool is_ignored(int signal) {
  struct sigaction current {};
  return ::sigaction(signal, nullptr, &current) == 0 && current.sa_handler == SIG_IGN;
}

void mask_stop_request(int how) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  ::pthread_sigmask(how, &set, nullptr);
}

}  // namespace

void hold_stop_requests() {
  mask_stop_request(SIG_BLOCK);
}

StopSignals::StopSignals() {
  received_signal() = 0;
  for (const int signal : kSignals) {
    if (signal == SIGTERM && is_ignored(signal)) continue;
    struct sigaction action {};
    action.sa_handler = handle;
    action.sa_flags = SA_RESTART;
    ::sigaction(signal, &action, nullptr);
  }
  mask_stop_request(SIG_UNBLOCK);
}

StopSignals::~StopSignals() {
  // The run is over: a request that comes too late must not turn its success into a death by signal.
  mask_stop_request(SIG_BLOCK);
  for (const int signal : kSignals) {
    if (signal != SIGTERM || !is_ignored(signal)) std::signal(signal, SIG_DFL);
  }
}

std::string StopSignals::received() const {
  switch (received_signal()) {
    case SIGUSR1:
      return "SIGUSR1";
    case SIGTERM:
      return "SIGTERM";
    case SIGINT:
      return "SIGINT";
    default:
      return {};
  }
}

bool told_to_end() noexcept {
  return received_signal() == SIGTERM;
}

bool StopFile::present() {
  const double now =
      std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  if (now < next_look_) return false;
  next_look_ = now + 1;
  std::error_code ignored;
  return std::filesystem::exists(file_, ignored);
}

void StopFile::clear() const {
  std::error_code ignored;
  std::filesystem::remove(file_, ignored);
}

}  // namespace ft
