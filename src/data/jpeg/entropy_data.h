// Entropy-coded data as a bit reader wants it: without stuffing, cut at the restart markers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "huffman.h"

namespace ft::jpeg {

class EntropyData {
 public:
  // All of a scan, up to the first marker that is no restart marker, or to the end. Returns what follows it.
  std::span<const std::byte> take_scan(std::span<const std::byte> data);
  // Forgets what it has, and makes room for `bytes` of take_interval().
  void start(std::size_t bytes);
  // The data of one restart interval, which the caller has found; adds an interval.
  void take_interval(std::span<const std::byte> data);

  [[nodiscard]] std::size_t intervals() const noexcept { return ends_.size(); }
  [[nodiscard]] BitReader interval(std::size_t index) const noexcept {
    const std::size_t begin = index == 0 ? 0 : ends_[index - 1];
    return {bytes_.data() + begin, bytes_.data() + ends_[index]};
  }

 private:
  // Copies up to the first marker; returns how much of `data` that was.
  std::size_t copy_unstuffed(std::span<const std::byte> data);
  void end_interval() { ends_.push_back(end_); }
  void pad();

  std::vector<std::uint8_t> bytes_;
  std::size_t end_ = 0;
  std::vector<std::size_t> ends_;
};

}  // namespace ft::jpeg
