// Progress of a long operation on stderr: a bar on a terminal, a plain line now and then in a log file.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace ft {

// Thread-safe. A disabled one (ranks other than 0) prints nothing.
class Progress {
 public:
  // `unit`: "images". total 0: unknown. Lines are printed at most every `log_every` when stderr is no
  // terminal.
  Progress(std::string title, std::uint64_t total, std::string unit, bool enabled = true,
           std::chrono::seconds log_every = std::chrono::seconds(10));
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress();

  // `detail`: shown behind the bar, for example "loss 0.312 acc 0.88".
  void update(std::uint64_t done, const std::string& detail = {});
  // Ends the line; call before printing anything else.
  void finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// "1:05", "2:03:04"
[[nodiscard]] std::string format_duration(double seconds);

}  // namespace ft
