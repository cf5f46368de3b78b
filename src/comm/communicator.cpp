#include "ft/comm/communicator.h"

#include "ft/comm/poll.h"

namespace ft {

std::size_t byte_size(ElementKind kind) noexcept {
  switch (kind) {
    case ElementKind::kUInt8:
      return 1;
    case ElementKind::kBFloat16:
      return 2;
    case ElementKind::kFloat32:
      return 4;
    case ElementKind::kFloat64:
    case ElementKind::kInt64:
      return 8;
  }
  return 0;
}

Deadline deadline_after(std::chrono::duration<double> duration) {
  return std::chrono::steady_clock::now() +
         std::chrono::duration_cast<std::chrono::steady_clock::duration>(duration);
}

void Work::wait(Deadline deadline, std::string_view what) {
  poll_until([this] { return test(); }, deadline, kBriefSleep, what);
}

}  // namespace ft
