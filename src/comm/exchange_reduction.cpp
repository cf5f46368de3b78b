#include "exchange_reduction.h"

#include <cstring>
#include <utility>

#include "rank_order_sum.h"

namespace ft {

namespace {

std::size_t bytes_on_the_wire(const ReductionTask& task) noexcept {
  return task.count * byte_size(task.wire == Wire::kBFloat16 ? ElementKind::kBFloat16 : task.kind);
}

// All of it, by rank.
template <typename T>
std::vector<const T*> terms(const std::byte* all, std::size_t bytes, int world_size) {
  std::vector<const T*> places;
  places.reserve(static_cast<std::size_t>(world_size));
  for (int rank = 0; rank < world_size; ++rank) {
    places.push_back(reinterpret_cast<const T*>(all + static_cast<std::size_t>(rank) * bytes));
  }
  return places;
}

}  // namespace

ExchangeReduction::ExchangeReduction(const ReductionTask& task, ScratchPool& pool)
    : task_(task),
      bytes_(bytes_on_the_wire(task)),
      remaining_(task.count == 0 ? 0 : 2 * (task.world_size - 1)),
      all_(pool.take(static_cast<std::size_t>(task.world_size) * bytes_)) {}

void ExchangeReduction::release(ScratchPool& pool) {
  pool.give_back(std::exchange(all_, {}));
}

std::byte* ExchangeReduction::place(int rank) const noexcept {
  return all_.bytes.get() + static_cast<std::size_t>(rank) * bytes_;
}

void ExchangeReduction::begin(MessagePort& port) {
  if (done()) return;
  for (int step = 1; step < task_.world_size; ++step) {
    const int peer = (task_.rank + task_.world_size - step) % task_.world_size;
    port.receive(place(peer), bytes_, peer, MessageKind::kPiece, 0);
  }
  if (task_.wire == Wire::kBFloat16) {
    round_to_bfloat16(reinterpret_cast<const float*>(task_.data),
                      reinterpret_cast<std::uint16_t*>(place(task_.rank)), task_.count);
  } else {
    std::memcpy(place(task_.rank), task_.data, bytes_);
  }
  for (int step = 1; step < task_.world_size; ++step) {
    const int peer = (task_.rank + step) % task_.world_size;
    port.send(place(task_.rank), bytes_, peer, MessageKind::kPiece, 0);
  }
}

void ExchangeReduction::sent(int /*peer*/, MessageKind /*kind*/, std::size_t /*segment*/,
                             MessagePort& /*port*/) {
  one_less();
}

void ExchangeReduction::received(int /*peer*/, MessageKind /*kind*/, std::size_t /*segment*/,
                                 MessagePort& /*port*/) {
  one_less();
}

void ExchangeReduction::one_less() {
  if (--remaining_ == 0) add_up();
}

void ExchangeReduction::add_up() {
  if (task_.wire == Wire::kBFloat16) {
    sum_bfloat16_in_order(terms<std::uint16_t>(all_.bytes.get(), bytes_, task_.world_size),
                          reinterpret_cast<std::uint16_t*>(place(task_.rank)),
                          reinterpret_cast<float*>(task_.data), task_.count);
  } else {
    sum_in_order(terms<std::byte>(all_.bytes.get(), bytes_, task_.world_size), task_.data, task_.count,
                 task_.kind);
  }
}

std::unique_ptr<Reduction> make_flat_reduction(const ReductionTask& task, ScratchPool& pool) {
  const bool little = bytes_on_the_wire(task) <= task.exchange_bytes && task.world_size <= kMostExchanging;
  if (task.half == Half::kBoth && little) {
    return std::make_unique<ExchangeReduction>(task, pool);
  }
  return std::make_unique<DirectReduction>(task, pool);
}

}  // namespace ft
