#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <unistd.h>

#include "ft/base/file.h"
#include "ft/report/progress.h"

namespace ft {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

ProgressState half_done() {
  return {
      .title = "train", .unit = "images", .done = 400, .total = 800, .seconds = 2, .detail = "loss 0.312"};
}

TEST(ProgressBar, ShowsEverythingAndFillsTheTerminal) {
  const std::string bar = progress_bar(half_done(), 78);
  EXPECT_EQ(bar, "train [=========>        ]  50%  400/800 images  200.0/s  ETA 0:02  loss 0.312");
  EXPECT_EQ(bar.size(), 78U);
}

TEST(ProgressBar, DropsTheBarThenTheEndWhenNarrow) {
  EXPECT_EQ(progress_bar(half_done(), 65), "train  50%  400/800 images  200.0/s  ETA 0:02  loss 0.312");
  EXPECT_EQ(progress_bar(half_done(), 22), "train  50%  400/800 im");
}

TEST(ProgressBar, UnknownTotalHasNoPercentAndNoEta) {
  ProgressState state = half_done();
  state.total = 0;
  EXPECT_EQ(progress_bar(state, 200), "train  400 images  200.0/s  loss 0.312");
}

TEST(ProgressBar, MoreThanAnnouncedStaysInsideTheBar) {
  ProgressState state = half_done();
  state.done = 900;
  EXPECT_THAT(progress_bar(state, 100), HasSubstr("=] 100%  900/800 images"));
}

TEST(ProgressLine, NamesRateAndRest) {
  EXPECT_EQ(progress_line(half_done()), "train: 400/800 images (50%), 200.0 images/s, ETA 0:02, loss 0.312");
}

TEST(ProgressLine, FinishedTellsTheTimeTaken) {
  ProgressState state = half_done();
  state.done = 800;
  state.finished = true;
  EXPECT_EQ(progress_line(state), "train: 800/800 images (100%), 400.0 images/s, took 0:02, loss 0.312");
}

TEST(ProgressLine, AlmostDoneIsNot100Percent) {
  ProgressState state = half_done();
  state.done = 799;
  EXPECT_THAT(progress_line(state), HasSubstr("(99%)"));
}

TEST(ProgressLine, WorkOfAnEarlierRunIsNotSpeed) {
  ProgressState state = half_done();
  state.already_done = 300;
  EXPECT_THAT(progress_line(state), HasSubstr(" 50.0 images/s, ETA 0:08"));
  state.already_done = 400;
  EXPECT_EQ(progress_line(state), "train: 400/800 images (50%), loss 0.312");
}

TEST(FormatDuration, AddsHoursOnlyWhenThereAreAny) {
  EXPECT_EQ(format_duration(0.4), "0:00");
  EXPECT_EQ(format_duration(65), "1:05");
  EXPECT_EQ(format_duration(3599.6), "1:00:00");
  EXPECT_EQ(format_duration(7384), "2:03:04");
}

// What `work` prints to stderr when that is a file.
template <typename Work>
std::string printed(Work work) {
  testing::internal::CaptureStderr();
  work();
  return testing::internal::GetCapturedStderr();
}

TEST(Progress, InALogFileOnlyTheLastLineOfAShortRun) {
  const std::string text = printed([] {
    Progress progress("pack", 1000, "files");
    for (std::uint64_t i = 0; i <= 1000; ++i) progress.update(i, "ok");
    progress.finish();
    progress.finish();
    progress.update(3);
  });
  EXPECT_THAT(text, testing::StartsWith("pack: 1000/1000 files (100%), "));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
}

TEST(Progress, InALogFileALineForEachInterval) {
  const std::string text = printed([] {
    Progress progress("pack", 3, "files", true, seconds(0));
    progress.update(1);
    progress.update(2);
  });
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3);
  EXPECT_THAT(text, HasSubstr("pack: 2/3 files (66%)"));
}

TEST(Progress, DisabledIsSilent) {
  EXPECT_EQ(printed([] {
              Progress progress("pack", 3, "files", false, seconds(0));
              progress.update(1);
              progress.finish();
            }),
            "");
}

TEST(Progress, ManyThreadsMayUpdate) {
  const std::string text = printed([] {
    Progress progress("pack", 400, "files", true, seconds(0));
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (std::uint64_t i = 0; i < 100; ++i) progress.update(i);
      });
    }
  });
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 401);
}

// A terminal of our own in place of stderr while it lives.
class FakeTerminal {
 public:
  explicit FakeTerminal(unsigned short columns) : saved_stderr_(dup(STDERR_FILENO)) {
    winsize size = {};
    size.ws_col = columns;
    size.ws_row = 24;
    int controller = -1;
    int terminal = -1;
    if (openpty(&controller, &terminal, nullptr, nullptr, &size) != 0) return;
    controller_ = UniqueFd(controller);
    dup2(terminal, STDERR_FILENO);
    close(terminal);
  }
  FakeTerminal(const FakeTerminal&) = delete;
  FakeTerminal& operator=(const FakeTerminal&) = delete;
  ~FakeTerminal() { dup2(saved_stderr_.get(), STDERR_FILENO); }

  [[nodiscard]] bool works() const { return static_cast<bool>(controller_); }
  // What was printed up to the end of a line: the kernel hands it over in its own time.
  [[nodiscard]] std::string read_line() const {
    std::string text;
    std::array<char, 4096> buffer{};
    while (text.find('\n') == std::string::npos) {
      pollfd ready = {.fd = controller_.get(), .events = POLLIN, .revents = 0};
      if (poll(&ready, 1, 5000) != 1) break;
      const ssize_t n = read(controller_.get(), buffer.data(), buffer.size());
      if (n <= 0) break;
      text.append(buffer.data(), static_cast<std::size_t>(n));
    }
    return text;
  }

 private:
  UniqueFd saved_stderr_;
  UniqueFd controller_;
};

TEST(Progress, OnATerminalRedrawsOneLineAtMostTenTimesASecond) {
  std::string text;
  {
    const FakeTerminal terminal(60);
    if (!terminal.works()) GTEST_SKIP() << "this machine gives no pseudo terminal";
    Progress progress("train", 100000, "images");
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(350);
    for (std::uint64_t i = 0; std::chrono::steady_clock::now() < end; ++i) progress.update(i);
    progress.update(100000);
    progress.finish();
    text = terminal.read_line();
  }
  const auto draws = std::count(text.begin(), text.end(), '\r') - 1;  // the terminal adds one to the newline
  EXPECT_GE(draws, 2);
  EXPECT_LE(draws, 5);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  EXPECT_THAT(text, HasSubstr("100000/100000 images"));
  const std::string last = text.substr(text.rfind('\r', text.size() - 3) + 1);
  EXPECT_EQ(last.find("\x1b[K"), last.find("\r\n") - 3);
  EXPECT_LE(last.find("\x1b[K"), 59U);
}

}  // namespace
}  // namespace ft
