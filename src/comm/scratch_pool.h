// Memory that operations borrow, kept for the next ones: the pages of a fresh 25 MiB cost as much as the
// additions.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace ft {

struct ScratchBuffer {
  std::unique_ptr<std::byte[]> bytes;
  std::size_t size = 0;
};

class ScratchPool {
 public:
  // At least `size` bytes, with any content.
  [[nodiscard]] ScratchBuffer take(std::size_t size);
  void give_back(ScratchBuffer buffer);

 private:
  std::vector<ScratchBuffer> free_;
};

}  // namespace ft
