// Reading numbers and blocks off a file in memory, front to back; reading past the end is an ImportError.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include <fmt/format.h>

#include "importers/picture.h"

namespace ft::importers {

// Callers have checked that `at` and what follows it lie inside `bytes`.
[[nodiscard]] inline std::uint32_t load_be16(Bytes bytes, std::size_t at = 0) {
  return static_cast<std::uint32_t>(bytes[at]) << 8U | bytes[at + 1];
}
[[nodiscard]] inline std::uint32_t load_be32(Bytes bytes, std::size_t at = 0) {
  return load_be16(bytes, at) << 16U | load_be16(bytes, at + 2);
}
[[nodiscard]] inline std::uint32_t load_le16(Bytes bytes, std::size_t at = 0) {
  return static_cast<std::uint32_t>(bytes[at + 1]) << 8U | bytes[at];
}
[[nodiscard]] inline std::uint32_t load_le32(Bytes bytes, std::size_t at = 0) {
  return load_le16(bytes, at + 2) << 16U | load_le16(bytes, at);
}

class ByteCursor {
 public:
  // `container` begins the reason when the file ends too early: "truncated GIF: ...".
  ByteCursor(Bytes bytes, const char* container) : bytes_(bytes), container_(container) {}

  [[nodiscard]] std::size_t position() const noexcept { return position_; }
  [[nodiscard]] std::size_t left() const noexcept { return bytes_.size() - position_; }
  [[nodiscard]] bool at_end() const noexcept { return left() == 0; }
  // Up to the end of the file, which is no error.
  void skip(std::size_t count) noexcept { position_ += std::min(count, left()); }
  void seek(std::size_t position) noexcept { position_ = std::min(position, bytes_.size()); }

  [[nodiscard]] Bytes take(std::size_t count) {
    if (count > left()) {
      throw ImportError(fmt::format("truncated {}: the file ends at byte {}, {} more are needed at byte {}",
                                    container_, bytes_.size(), count, position_));
    }
    return take_up_to(count);
  }
  // Fewer bytes at the end of the file.
  [[nodiscard]] Bytes take_up_to(std::size_t count) {
    const Bytes block = bytes_.subspan(position_, std::min(count, left()));
    position_ += block.size();
    return block;
  }
  [[nodiscard]] std::uint8_t byte() { return take(1)[0]; }
  [[nodiscard]] std::uint32_t le16() { return load_le16(take(2)); }
  [[nodiscard]] std::uint32_t le32() { return load_le32(take(4)); }

 private:
  Bytes bytes_;
  const char* container_;
  std::size_t position_ = 0;
};

}  // namespace ft::importers
