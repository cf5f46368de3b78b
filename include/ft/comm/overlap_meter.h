// How much of a step's communication lay behind its backward pass.
#pragma once

#include <chrono>

namespace ft {

// Counts the time in which at least one bucket was under way. Fed by the reducer, with the moments at which
// it starts a bucket and at which it notices its end, in order.
class OverlapMeter {
 public:
  using Moment = std::chrono::steady_clock::time_point;

  void started(Moment now) noexcept {
    if (under_way_++ == 0) since_ = now;
  }
  void ended(Moment now) noexcept {
    if (--under_way_ == 0) busy_ += now - since_;
  }
  // So far, in seconds.
  [[nodiscard]] double busy_seconds(Moment now) const noexcept {
    const auto open = under_way_ > 0 ? now - since_ : Moment::duration::zero();
    return std::chrono::duration<double>(busy_ + open).count();
  }

 private:
  int under_way_ = 0;
  Moment since_;
  Moment::duration busy_ = Moment::duration::zero();
};

}  // namespace ft
