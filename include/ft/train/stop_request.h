// "Please stop": SIGUSR1, SIGTERM or SIGINT to this process, or a file called STOP in the run directory.
#pragma once

#include <filesystem>
#include <string>

namespace ft {

// From the start of the program until StopSignals takes over: a SIGUSR1 that comes that early waits instead
// of killing. To be called before any other thread starts.
void hold_stop_requests();

// Catches the three signals while alive. The first one is a request, which the trainer honours at the end of
// the step (it saves and exits 75); a second INT or TERM ends the process at once, as it would without us.
// One at a time: a signal's handler can reach nothing but a static flag.
class StopSignals {
 public:
  StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  ~StopSignals();

  // "SIGUSR1", or empty.
  [[nodiscard]] std::string received() const;
};

// Whether a StopSignals has received SIGTERM. For other threads.
[[nodiscard]] bool told_to_end() noexcept;

// The STOP file, looked at about once a second (network file systems charge for each look).
class StopFile {
 public:
  explicit StopFile(std::filesystem::path file) : file_(std::move(file)) {}
  [[nodiscard]] bool present();
  // So that the next start does not stop at once.
  void clear() const;

 private:
  std::filesystem::path file_;
  double next_look_ = 0;
};

}  // namespace ft
