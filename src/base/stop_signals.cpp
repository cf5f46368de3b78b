#include "ft/base/stop_signals.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "ft/base/direct_write.h"
#include "ft/base/error.h"
#include "ft/base/exit_deadline.h"

namespace ft {
namespace {

constexpr std::array<int, 3> kSignals{SIGUSR1, SIGTERM, SIGINT};
constexpr int kSignalExit = 128;
// A launcher kills what is left a second after its SIGTERM.
constexpr std::chrono::milliseconds kLeavePatience{700};

bool is_ignored(int signal) {
  struct sigaction current {};
  return ::sigaction(signal, nullptr, &current) == 0 && current.sa_handler == SIG_IGN;
}

UniqueFd open_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : kSignals) {
    if (signal != SIGINT || !is_ignored(signal)) sigaddset(&set, signal);
  }
  UniqueFd descriptor(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!descriptor) throw_errno("open", "a descriptor for signals");
  return descriptor;
}

UniqueFd open_wake() {
  UniqueFd descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!descriptor) throw_errno("open", "a descriptor of events");
  return descriptor;
}

std::string name_of(int signal) {
  switch (signal) {
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

// By a debugger. It sees only signals that are delivered, which one read from a descriptor never is.
bool is_traced() {
  std::ifstream status("/proc/self/status");
  constexpr std::string_view kKey = "TracerPid:";
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(kKey)) return line.find_first_not_of(" \t0", kKey.size()) != std::string::npos;
  }
  return false;
}

}  // namespace

void hold_stop_signals() noexcept {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : kSignals) sigaddset(&set, signal);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
}

StopSignals::StopSignals(std::string who, End end, std::chrono::milliseconds agreement_patience)
    : who_(std::move(who)),
      end_(std::move(end)),
      agreement_patience_(agreement_patience),
      signals_(open_signals()),
      wake_(open_wake()) {
  hold_stop_signals();
  // A blocked signal is kept even where it is ignored, but only on Linux is that said.
  if (is_ignored(SIGTERM)) std::signal(SIGTERM, SIG_DFL);
  // What has come before, before anything else happens.
  while (const int early = read_signal()) take(early);
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

StopSignals::~StopSignals() {
  thread_.request_stop();
  const std::uint64_t one = 1;
  static_cast<void>(::write(wake_.get(), &one, sizeof(one)) == sizeof(one));
}

void StopSignals::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const int signal = next_signal();
    if (signal != 0) take(signal);
    give_up_if_due();
  }
}

// 0 where it was woken for something else: the limit is over, or the process is.
int StopSignals::next_signal() {
  int wait_ms = -1;
  {
    const std::scoped_lock lock(mutex_);
    if (asked_at_) {
      const auto left = *asked_at_ + agreement_patience_ - Clock::now();
      wait_ms = std::max(0, static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count()));
    }
  }
  std::array<pollfd, 2> places{{{signals_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}}};
  ::poll(places.data(), places.size(), wait_ms);
  return read_signal();
}

// 0: none.
int StopSignals::read_signal() const noexcept {
  signalfd_siginfo info{};
  if (::read(signals_.get(), &info, sizeof(info)) != sizeof(info)) return 0;
  return static_cast<int>(info.ssi_signo);
}

void StopSignals::take(int signal) {
  const auto received_at = Clock::now();
  {
    Lock lock = lock_when_free();
    if (phase_ == Phase::kDone) return take_when_done(signal, std::move(lock));
    int none = 0;
    request_.compare_exchange_strong(none, signal);
    if (signal == SIGTERM) told_to_end_ = true;
  }
  const bool in_a_hurry = signal != SIGUSR1;
  if (signal == SIGINT && is_traced()) {
    ::raise(SIGTRAP);
    return;
  }
  if (in_a_hurry && explained_by_a_loss()) return;
  Lock lock = lock_when_free();
  switch (phase_) {
    case Phase::kDone:
      return;
    case Phase::kStarting:
      if (!in_a_hurry) return;
      break;
    case Phase::kTraining:
      if (!in_a_hurry) return;
      if (asked_by_ == 0) {
        asked_by_ = signal;
        first_asked_ = received_at;
        if (signal == SIGTERM && !alone_ && !agreed_) asked_at_ = received_at;
        ask(signal, std::move(lock));
        return;
      }
      if (is_the_same_order(signal, received_at)) return;
      break;
    case Phase::kOtherWork:
      break;
  }
  end_by(signal, std::move(lock));
}

bool StopSignals::is_the_same_order(int signal, Clock::time_point received_at) const noexcept {
  if (signal != SIGTERM || asked_by_ != SIGTERM) return false;
  return agreed_ || received_at - first_asked_ < kSameOrder;
}

// What is left to do may hang all the same (MPI_Finalize, a file system).
void StopSignals::take_when_done(int signal, Lock lock) {
  constexpr std::chrono::seconds kInsists{1};
  if (signal == SIGUSR1) return;
  const auto now = Clock::now();
  if (!first_after_done_) first_after_done_ = now;
  if (now - *first_after_done_ >= kInsists) end_by(signal, std::move(lock));
}

bool StopSignals::explained_by_a_loss() {
  Lock lock = lock_when_free();
  if (!peers_.lost) return false;
  busy_ = true;
  lock.unlock();
  const bool lost = peers_.lost();
  lock.lock();
  busy_ = false;
  changed_.notify_all();
  return lost;
}

// Said at once: it may be all that this process has time for.
void StopSignals::ask(int signal, Lock lock) {
  const std::string text =
      fmt::format("ft_dist: {}: {} while {}: {}\n", who_, name_of(signal), doing(),
                  asked_at_ ? fmt::format("asking all ranks to save and stop, for {:.1f} s at most",
                                          std::chrono::duration<double>(agreement_patience_).count())
                            : "saving and stopping; a second one ends it at once");
  lock.unlock();
  write_to_stderr(text);
}

void StopSignals::end_by(int signal, Lock lock) {
  const bool training = phase_ == Phase::kTraining;
  const std::string what = fmt::format("ended by {} while {}{}", name_of(signal), doing(),
                                       training ? "; what came after the last checkpoint is lost" : "");
  leave(kSignalExit + signal, "", what, std::move(lock));
}

void StopSignals::give_up_if_due() {
  Lock lock = lock_when_free();
  if (!asked_at_ || Clock::now() < *asked_at_ + agreement_patience_) return;
  asked_at_.reset();
  const std::string what = fmt::format(
      "the ranks have not agreed to stop {:.1f} s after SIGTERM, while {}; what came after the last "
      "checkpoint is "
      "lost",
      std::chrono::duration<double>(agreement_patience_).count(), doing());
  leave(static_cast<int>(ExitCode::kPeer), "error: ", what, std::move(lock));
}

// Nothing here may keep the process: the file may be on the very host that is gone.
void StopSignals::leave(int exit_code, const std::string& kind, const std::string& what, Lock lock) {
  busy_ = true;
  lock.unlock();  // what is busy changes for nobody
  {
    const ExitDeadline backstop(kLeavePatience, static_cast<ExitCode>(exit_code), "", end_);
    const bool said = write_to_stderr(fmt::format("ft_dist: {}{}: {}\n", kind, who_, what));
    if (record_) record_(exit_code, what);
    if (peers_.leave) peers_.leave(exit_code, what, said);
    if (!end_) ::_exit(exit_code);
  }
  end_(exit_code);
  lock.lock();
  busy_ = false;  // tests go on from here
  phase_ = Phase::kDone;
  changed_.notify_all();
}

// "training, in step 12". Under the lock.
std::string StopSignals::doing() const {
  std::string text = "starting";
  if (phase_ == Phase::kDone) text = "ending";
  if (phase_ == Phase::kTraining) text = "training";
  if (phase_ == Phase::kOtherWork) text = "running " + command_;
  const std::string more = activity_ ? activity_() : "";
  return more.empty() ? text : text + ", " + more;
}

// Who would change what this process does while it is ending, or its peers while they are asked, has to wait.
StopSignals::Lock StopSignals::lock_when_free() {
  Lock lock(mutex_);
  changed_.wait(lock, [this] { return !busy_; });
  return lock;
}

void StopSignals::set_activity(std::function<std::string()> activity) {
  const Lock lock = lock_when_free();
  activity_ = std::move(activity);
}

void StopSignals::set_peers(Peers peers) {
  const Lock lock = lock_when_free();
  peers_ = std::move(peers);
}

void StopSignals::does(const std::string& command) {
  Lock lock = lock_when_free();
  phase_ = Phase::kOtherWork;
  command_ = command;
  if (const int early = request_; early != 0) end_by(early, std::move(lock));
}

void StopSignals::done() {
  const Lock lock = lock_when_free();
  phase_ = Phase::kDone;
  asked_at_.reset();
  activity_ = {};
  peers_ = {};
  record_ = {};
}

void StopSignals::agreed() {
  const Lock lock = lock_when_free();
  agreed_ = true;
  asked_at_.reset();
}

void StopSignals::record(int exit_code, const std::string& reason) {
  const Lock lock = lock_when_free();
  if (record_) record_(exit_code, reason);
}

void StopSignals::fail(int exit_code, const std::string& what) {
  Lock lock = lock_when_free();
  if (phase_ != Phase::kDone) leave(exit_code, "error: ", what, std::move(lock));
}

std::string StopSignals::received() const {
  return name_of(request_);
}

StopSignals::Training::Training(StopSignals& signals, bool alone, Record record) : signals_(&signals) {
  const Lock lock = signals_->lock_when_free();
  signals_->phase_ = Phase::kTraining;
  signals_->alone_ = alone;
  signals_->record_ = std::move(record);
}

StopSignals::Training::~Training() {
  signals_->done();
}

}  // namespace ft
