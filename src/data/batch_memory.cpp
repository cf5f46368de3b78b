#include "ft/data/batch_memory.h"

#include <vector>

namespace ft {

BatchMemory allocate_batch(std::size_t bytes) {
  struct alignas(kCacheLine) Line {
    std::byte bytes[kCacheLine];
  };
  auto lines = std::make_shared<std::vector<Line>>((bytes + kCacheLine - 1) / kCacheLine);
  auto* const begin = reinterpret_cast<std::byte*>(lines->data());
  return {std::move(lines), begin};
}

}  // namespace ft
