// What a progress display says, apart from when and where it is printed.
#pragma once

#include <cstdint>
#include <string>

namespace ft {

struct ProgressState {
  std::string title;
  std::string unit;
  std::uint64_t done = 0;
  std::uint64_t total = 0;         // 0: unknown
  std::uint64_t already_done = 0;  // not by this run
  double seconds = 0;              // since the start
  bool finished = false;
  std::string detail = {};
};

// "train [=====>    ]  52%  416/800 images  512.3/s  ETA 0:01  loss 0.312", in at most `width` columns: the
// bar takes what the words leave, and goes first when there is no room.
[[nodiscard]] std::string progress_bar(const ProgressState& state, int width);

// "train: 416/800 images (52%), 512.3 images/s, ETA 0:01, loss 0.312"
[[nodiscard]] std::string progress_line(const ProgressState& state);

// "0:07", "1:05", "2:03:04"
[[nodiscard]] std::string format_duration(double seconds);

}  // namespace ft
