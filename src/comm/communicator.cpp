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

std::uint64_t all_reduce_bytes_sent(std::size_t count, ElementKind kind, Wire wire, int world_size) noexcept {
  const ElementKind travels = wire == Wire::kBFloat16 ? ElementKind::kBFloat16 : kind;
  const auto others = static_cast<std::uint64_t>(world_size - 1);
  return 2 * count * byte_size(travels) * others / static_cast<std::uint64_t>(world_size);
}

Deadline deadline_after(std::chrono::duration<double> duration) {
  return std::chrono::steady_clock::now() +
         std::chrono::duration_cast<std::chrono::steady_clock::duration>(duration);
}

void Work::wait(Deadline deadline, std::string_view what) {
  poll_until([this] { return test(); }, deadline, kBriefSleep, what);
}

}  // namespace ft
