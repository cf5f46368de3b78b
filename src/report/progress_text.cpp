#include "ft/report/progress_text.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string_view>
#include <tuple>

#include <fmt/format.h>

#include "display_width.h"

namespace ft {
namespace {

constexpr std::size_t kWidestBar = 40;
constexpr std::size_t kNarrowestBar = 10;

std::optional<double> rate(const ProgressState& state) {
  if (state.seconds <= 0 || state.done <= state.already_done) return std::nullopt;
  return static_cast<double>(state.done - state.already_done) / state.seconds;
}

// More than was announced is still 100%.
double fraction(const ProgressState& state) {
  return std::min(1.0, static_cast<double>(state.done) / static_cast<double>(state.total));
}

// 100% only when nothing is left.
int percent(const ProgressState& state) {
  return static_cast<int>(std::floor(100 * fraction(state)));
}

std::string count(const ProgressState& state) {
  return state.total == 0 ? fmt::format("{} {}", state.done, state.unit)
                          : fmt::format("{}/{} {}", state.done, state.total, state.unit);
}

// What is left to wait, or how long it took; empty when nobody knows.
std::string time_text(const ProgressState& state) {
  if (state.finished) return "took " + format_duration(state.seconds);
  const auto speed = rate(state);
  if (!speed || state.total == 0) return {};
  const std::uint64_t left = state.total > state.done ? state.total - state.done : 0;
  return "ETA " + format_duration(static_cast<double>(left) / *speed);
}

std::string draw_bar(double done, std::size_t width) {
  const auto filled = static_cast<std::size_t>(done * static_cast<double>(width));
  std::string bar(width, ' ');
  std::fill_n(bar.begin(), filled, '=');
  if (filled < width) bar[filled] = '>';
  return fmt::format(" [{}]", bar);
}

}  // namespace

std::string progress_bar(const ProgressState& state, int width) {
  const auto columns = static_cast<std::size_t>(std::max(width, 1));
  std::string words;
  if (state.total != 0) words += fmt::format(" {:3}%", percent(state));
  words += fmt::format("  {}", count(state));
  if (const auto speed = rate(state)) words += fmt::format("  {:.1f}/s", *speed);
  if (const std::string time = time_text(state); !time.empty()) words += fmt::format("  {}", time);
  if (!state.detail.empty()) words += fmt::format("  {}", state.detail);

  const std::size_t taken =
      display_width(state.title) + display_width(words) + std::string_view(" []").size();
  std::string bar;
  if (state.total != 0 && columns >= taken + kNarrowestBar) {
    bar = draw_bar(fraction(state), std::min(kWidestBar, columns - taken));
  }
  return clip_to_width(state.title + bar + words, columns);
}

std::string progress_line(const ProgressState& state) {
  std::string line = fmt::format("{}: {}", state.title, count(state));
  if (state.total != 0) line += fmt::format(" ({}%)", percent(state));
  if (const auto speed = rate(state)) line += fmt::format(", {:.1f} {}/s", *speed, state.unit);
  if (const std::string time = time_text(state); !time.empty()) line += fmt::format(", {}", time);
  if (!state.detail.empty()) line += fmt::format(", {}", state.detail);
  return line;
}

std::string format_duration(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::llround(std::max(seconds, 0.0)));
  const auto [h, m, s] = std::tuple(whole / 3600, whole / 60 % 60, whole % 60);
  return h > 0 ? fmt::format("{}:{:02}:{:02}", h, m, s) : fmt::format("{}:{:02}", m, s);
}

}  // namespace ft
