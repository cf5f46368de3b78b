#include "watchdog.h"

#include <cerrno>
#include <csignal>
#include <utility>

#include <fmt/format.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "ft/base/direct_write.h"
#include "ft/base/error.h"

namespace ft {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kTurn{100};
// What main gets to unwind, record the end and come to leave(): mpirun kills what is left between one and two
// seconds after the first rank has gone.
constexpr milliseconds kGrace{800};
// A rank that failed goes first, so that its exit code is the one that the launcher reports.
constexpr milliseconds kAfterTheFailed{250};

Watcher::TimePoint now() {
  return Activity::Clock::now();
}

std::string whole_line(const std::string& prefix, const Verdict& verdict) {
  return fmt::format("{}{}{}\n", prefix, verdict.text,
                     verdict.hint.empty() ? "" : fmt::format(" (hint: {})", verdict.hint));
}

}  // namespace

Liveness::Watchdog::Watchdog(std::unique_ptr<Watcher> watcher, int rank, const LivenessOptions& options,
                             LivenessTiming timing)
    : watcher_(std::move(watcher)),
      rank_(rank),
      prefix_(options.prefix),
      told_to_end_(options.told_to_end),
      timing_(timing),
      wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      thread_([this] { run(); }) {}

Liveness::Watchdog::~Watchdog() {
  {
    const std::scoped_lock lock(mutex_);
    farewell_ = true;
  }
  wake();
}

void Liveness::Watchdog::wait_joined(Deadline deadline) {
  std::unique_lock lock(mutex_);
  const bool known = changed_.wait_until(lock, deadline, [this] { return joined_ || verdict_; });
  if (verdict_) throw PeerError(verdict_->text, verdict_->hint);
  if (!known)
    throw PeerError("the ranks' watchdogs cannot reach each other: " + missing_.what, missing_.hint);
}

void Liveness::Watchdog::set_loss_log(LossLog log) {
  const std::scoped_lock lock(mutex_);
  loss_log_ = std::move(log);
}

bool Liveness::Watchdog::lost_within(milliseconds patience) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, patience, [this] { return verdict_.has_value(); });
}

Verdict Liveness::Watchdog::verdict() {
  const std::scoped_lock lock(mutex_);
  return *verdict_;
}

std::optional<Watcher::TimePoint> Liveness::Watchdog::progressed() {
  const std::scoped_lock lock(mutex_);
  return progressed_;
}

std::string Liveness::Watchdog::busy_elsewhere(std::string_view what) {
  constexpr milliseconds kPatience{500};
  std::unique_lock lock(mutex_);
  question_ = what;
  answer_.reset();
  wake();
  changed_.wait_for(lock, kPatience, [this] { return answer_.has_value(); });
  return answer_.value_or("");
}

void Liveness::Watchdog::leave(int exit_code, std::optional<OwnFailure> own_failure) {
  {
    const std::scoped_lock lock(mutex_);
    leaving_ = Leaving{exit_code, std::move(own_failure)};
  }
  wake();
  for (;;) ::pause();  // the thread ends the process
}

void Liveness::Watchdog::wake() noexcept {
  const std::uint64_t one = 1;
  static_cast<void>(::write(wake_.descriptor(), &one, sizeof(one)) == sizeof(one));
}

void Liveness::Watchdog::run() {
  try {
    for (;;) {
      take_turn();
      if (serve_main()) return;
      end_if_due();
    }
  } catch (const std::exception& error) {
    // Without its watchdog this rank would be taken for lost; so it had better be.
    write_to_stderr(fmt::format("{}rank {}: the watchdog failed: {}\n", prefix_, rank_, error.what()));
    ::_exit(static_cast<int>(ExitCode::kBug));
  }
}

void Liveness::Watchdog::take_turn() {
  if (told_to_end_()) watcher_->hurry();
  const auto verdict = watcher_->turn(kTurn, wake_.descriptor());
  std::uint64_t count = 0;
  static_cast<void>(::read(wake_.descriptor(), &count, sizeof(count)) == sizeof(count));
  if (verdict && !end_by_) announce(*verdict);
  const std::scoped_lock lock(mutex_);
  joined_ = watcher_->joined();
  missing_ = joined_ ? Watcher::Missing() : watcher_->missing();
  progressed_ = watcher_->progressed();
  if (question_) answer_ = watcher_->busy_elsewhere(*question_);
  question_.reset();
  changed_.notify_all();
}

void Liveness::Watchdog::announce(const Verdict& verdict) {
  // The launcher is about to send it; what is left to do here takes less than a second.
  std::signal(SIGTERM, SIG_IGN);
  end_by_ = now() + kGrace;
  not_before_ = now() + (verdict.failed ? kAfterTheFailed : milliseconds(0));
  {
    const std::scoped_lock lock(mutex_);
    verdict_ = verdict;
    changed_.notify_all();
  }
  lost_.store(true, std::memory_order_release);
  if (verdict.own_words) write_to_stderr(whole_line(prefix_, verdict));
  write_log(verdict);
}

// In a thread of its own: the file may be on the very host that is gone.
void Liveness::Watchdog::write_log(const Verdict& verdict) {
  LossLog log;
  {
    const std::scoped_lock lock(mutex_);
    log = loss_log_;
  }
  if (!log) {
    logged_ = true;
    return;
  }
  try {
    std::thread([this, log = std::move(log), text = verdict.text] {
      try {
        log(text);
      } catch (...) {  // NOLINT(bugprone-empty-catch): the disk may be full; standard error has said it
      }
      logged_ = true;
    }).detach();
  } catch (const std::exception&) {
    logged_ = true;
  }
}

bool Liveness::Watchdog::serve_main() {
  const std::scoped_lock lock(mutex_);
  if (leaving_ && leaving_->own_failure && !failure_told_) {
    failure_told_ = true;
    std::signal(SIGTERM, SIG_IGN);
    watcher_->tell_failure(*leaving_->own_failure);
    end_by_ = now() + kGrace;
    logged_ = true;
  }
  if (!farewell_ || end_by_) return false;
  watcher_->say_farewell();
  const auto patience = now() + timing_.parting;
  while (!watcher_->told() && now() < patience) static_cast<void>(watcher_->turn(milliseconds(10), -1));
  return true;
}

void Liveness::Watchdog::end_if_due() {
  if (!end_by_) return;
  std::signal(SIGTERM, SIG_IGN);  // again: main's handlers come and go
  const auto moment = now();
  int exit_code = static_cast<int>(ExitCode::kPeer);
  bool arrived = false;
  {
    const std::scoped_lock lock(mutex_);
    arrived = leaving_.has_value();
    if (arrived) exit_code = leaving_->exit_code;
  }
  const bool told = watcher_->told() || moment >= *end_by_ + (timing_.telling - kGrace);
  const bool written = logged_ || moment >= *end_by_;
  const bool main_done = arrived || moment >= *end_by_;
  const bool in_turn = !not_before_ || moment >= *not_before_;
  if (told && written && main_done && in_turn) ::_exit(exit_code);
}

}  // namespace ft
