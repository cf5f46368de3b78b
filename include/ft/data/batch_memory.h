// Where batches lie. Whoever copies them to a device has its own idea of memory, so the loader asks for it.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace ft {

// What two threads write must not lie on one of these.
inline constexpr std::size_t kCacheLine = 64;

// Memory of at least so many bytes that begins on a cache line and lives as long as the result.
using BatchMemory = std::shared_ptr<std::byte>;
using AllocateBatch = std::function<BatchMemory(std::size_t bytes)>;

// Ordinary memory, each page of it touched.
[[nodiscard]] BatchMemory allocate_batch(std::size_t bytes);

}  // namespace ft
