// Steps of a pack that may fail on one rank, and must then end all.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "ft/comm/agreement.h"
#include "ft/comm/communicator.h"

namespace ft {

// agree() among several ranks; alone, the action's own exception passes.
inline void together(Communicator& ranks, std::string_view what, const std::function<void()>& action) {
  if (ranks.world_size() == 1) return action();
  agree(ranks, what, action);
}

// Rank 0's text on every rank. The others' `text` is ignored.
[[nodiscard]] inline std::string from_root(Communicator& ranks, std::string text, std::string_view what) {
  if (ranks.world_size() == 1) return text;
  std::uint64_t size = text.size();
  ranks.broadcast(std::as_writable_bytes(std::span(&size, 1)), 0, what);
  text.resize(size);
  ranks.broadcast(std::as_writable_bytes(std::span(text)), 0, what);
  return text;
}

}  // namespace ft
