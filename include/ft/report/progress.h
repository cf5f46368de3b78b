// Progress of a long operation on stderr: a bar on a terminal, a plain line now and then in a log file.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "ft/report/progress_text.h"  // format_duration

namespace ft {

// Thread-safe. A disabled one (ranks other than 0) prints nothing.
class Progress {
 public:
  // `unit`: "images". total 0: unknown. Lines are printed at most every `log_every` when stderr is no
  // terminal. `already_done` is what an earlier run did (a resumed epoch): it counts, but not as speed.
  Progress(std::string title, std::uint64_t total, std::string unit, bool enabled = true,
           std::chrono::seconds log_every = std::chrono::seconds(10), std::uint64_t already_done = 0);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  // Finishes.
  ~Progress();

  // `detail`: shown behind the bar, for example "loss 0.312 acc 0.88". Cheap: most calls print nothing.
  void update(std::uint64_t done, const std::string& detail = {});
  // Prints the last state and ends the line; call before printing anything else. Later calls do nothing.
  void finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ft
