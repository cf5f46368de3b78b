#include "ft/train/stop_file.h"

#include <chrono>

namespace ft {

bool StopFile::present() {
  const double now =
      std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  if (now < next_look_) return false;
  next_look_ = now + 1;
  std::error_code ignored;
  return std::filesystem::exists(file_, ignored);
}

void StopFile::clear() const {
  std::error_code ignored;
  std::filesystem::remove(file_, ignored);
}

}  // namespace ft
