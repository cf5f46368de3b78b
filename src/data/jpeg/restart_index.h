// Finds restart intervals by the offsets that a set keeps of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace ft::jpeg {

class RestartIndex {
 public:
  // `data` is where the scan's data begins in `payload`. DataError when there are not `intervals` offsets.
  RestartIndex(std::span<const std::byte> payload, std::size_t data, std::span<const std::uint32_t> offsets,
               std::size_t intervals);

  // The data of an interval. The offsets carry no hash of their own, so each is believed only when the marker
  // in front of it is the right one; else a DataError.
  [[nodiscard]] std::span<const std::byte> interval(std::size_t index) const;

 private:
  [[nodiscard]] std::size_t begin_of(std::size_t index) const;

  std::span<const std::byte> payload_;
  std::size_t data_;
  std::span<const std::uint32_t> offsets_;
};

}  // namespace ft::jpeg
