#include "ft/comm/liveness/activity.h"

#include <fmt/format.h>

namespace ft {

std::string ActivityReport::to_string() const {
  if (step == 0 && operation.empty()) return {};
  if (step == 0) return "in " + operation;
  return fmt::format("in step {}{}{}", step, operation.empty() ? "" : ", ", operation);
}

void Activity::at_step(std::uint64_t step) {
  const std::scoped_lock lock(mutex_);
  step_ = step;
  operation_.clear();
  progress_.clear();
  since_ = Clock::now();
}

void Activity::enter(std::string_view operation) {
  const std::scoped_lock lock(mutex_);
  operation_ = operation;
  progress_.clear();
  since_ = Clock::now();
  progressed_ = since_;
}

void Activity::progress(std::uint64_t done, std::uint64_t of) {
  const std::scoped_lock lock(mutex_);
  progress_ = of > 0 ? fmt::format("{} of {}", done, of) : fmt::format("{}", done);
  since_ = Clock::now();
  progressed_ = since_;
}

void Activity::leave() {
  const std::scoped_lock lock(mutex_);
  operation_.clear();
  progress_.clear();
  since_ = Clock::now();
}

void Activity::begin_wait(std::string_view what) {
  const std::scoped_lock lock(mutex_);
  wait_ = what;
  since_ = Clock::now();
}

void Activity::end_wait() noexcept {
  const std::scoped_lock lock(mutex_);
  wait_.clear();
}

ActivityReport Activity::report(Clock::time_point now) const {
  const std::scoped_lock lock(mutex_);
  ActivityReport report;
  report.step = step_;
  if (!wait_.empty()) {
    report.operation = wait_;
    report.waiting = true;
  } else if (!progress_.empty()) {
    report.operation = operation_ + ", " + progress_;
  } else {
    report.operation = operation_;
  }
  report.age = now - since_;
  if (progressed_) report.since_progress = now - *progressed_;
  return report;
}

}  // namespace ft
