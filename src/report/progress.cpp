#include "ft/report/progress.h"

#include <cstdio>
#include <mutex>
#include <utility>

#include <sys/ioctl.h>
#include <unistd.h>

namespace ft {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kRedrawEvery = std::chrono::milliseconds(100);
constexpr int kDefaultWidth = 80;

// Asked at each redraw: terminals are resized.
int terminal_width() {
  winsize size = {};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : kDefaultWidth;
}

// In one piece, so that other output cannot land inside it.
void print_to_stderr(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

}  // namespace

struct Progress::Impl {
  std::mutex mutex;
  ProgressState state;
  bool on_terminal = false;
  Clock::duration print_every{};
  Clock::time_point start = Clock::now();
  Clock::time_point last_print = start;

  void print(Clock::time_point now) {
    last_print = now;
    state.seconds = std::chrono::duration<double>(now - start).count();
    if (!on_terminal) {
      print_to_stderr(progress_line(state) + '\n');
      return;
    }
    // One column stays free: text in the last one makes some terminals wrap. ESC[K clears what a longer text
    // left.
    print_to_stderr('\r' + progress_bar(state, terminal_width() - 1) + "\x1b[K" +
                    (state.finished ? "\n" : ""));
  }
};

Progress::Progress(std::string title, std::uint64_t total, std::string unit, bool enabled,
                   std::chrono::seconds log_every, std::uint64_t already_done) {
  if (!enabled) return;
  impl_ = std::make_unique<Impl>();
  impl_->state = {.title = std::move(title),
                  .unit = std::move(unit),
                  .done = already_done,
                  .total = total,
                  .already_done = already_done};
  impl_->on_terminal = isatty(STDERR_FILENO) == 1;
  impl_->print_every = impl_->on_terminal ? Clock::duration(kRedrawEvery) : Clock::duration(log_every);
}

Progress::~Progress() {
  try {
    finish();
  } catch (...) {  // NOLINT(bugprone-empty-catch): a display must not end a program that is already unwinding
  }
}

void Progress::update(std::uint64_t done, const std::string& detail) {
  if (!impl_) return;
  const std::scoped_lock lock(impl_->mutex);
  if (impl_->state.finished) return;
  impl_->state.done = done;
  impl_->state.detail = detail;
  const auto now = Clock::now();
  if (now - impl_->last_print >= impl_->print_every) impl_->print(now);
}

void Progress::finish() {
  if (!impl_) return;
  const std::scoped_lock lock(impl_->mutex);
  if (impl_->state.finished) return;
  impl_->state.finished = true;
  impl_->print(Clock::now());
}

}  // namespace ft
