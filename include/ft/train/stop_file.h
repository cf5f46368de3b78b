// "Please stop" without a signal: a file called STOP in the run directory.
#pragma once

#include <filesystem>
#include <utility>

namespace ft {

// Looked at about once a second (network file systems charge for each look).
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
