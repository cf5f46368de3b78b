#include "scratch_pool.h"

#include <algorithm>
#include <utility>

namespace ft {

ScratchBuffer ScratchPool::take(std::size_t size) {
  if (size == 0) return {};
  const auto by_size = [](const ScratchBuffer& a, const ScratchBuffer& b) { return a.size < b.size; };
  auto best = free_.end();
  for (auto it = free_.begin(); it != free_.end(); ++it) {
    if (it->size >= size && (best == free_.end() || by_size(*it, *best))) best = it;
  }
  if (best != free_.end()) {
    ScratchBuffer buffer = std::move(*best);
    free_.erase(best);
    return buffer;
  }
  // A larger one takes the place of one that is too small: the pool holds what was used at once, no more.
  if (!free_.empty()) free_.erase(std::max_element(free_.begin(), free_.end(), by_size));
  return {std::make_unique_for_overwrite<std::byte[]>(size), size};
}

void ScratchPool::give_back(ScratchBuffer buffer) {
  if (buffer.size > 0) free_.push_back(std::move(buffer));
}

}  // namespace ft
