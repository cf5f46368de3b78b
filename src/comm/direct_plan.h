// How an all-reduce is cut: a chunk a rank, which that rank adds up, and segments within chunks, which travel
// one after the other so that adding overlaps with receiving.
#pragma once

#include <cstddef>

namespace ft {

// Elements of the data, from `begin`.
struct DataPiece {
  std::size_t begin = 0;
  std::size_t count = 0;

  bool operator==(const DataPiece&) const = default;
};

// A pure function of its arguments, which are the same on every rank. Chunks are equal but for the last ones,
// which may be shorter or empty, and start at multiples of 16 elements.
class DirectPlan {
 public:
  DirectPlan(std::size_t count, int world_size, std::size_t segment_elements) noexcept;

  [[nodiscard]] DataPiece chunk(int owner) const noexcept;
  [[nodiscard]] std::size_t segments(int owner) const noexcept;
  [[nodiscard]] DataPiece segment(int owner, std::size_t index) const noexcept;
  [[nodiscard]] std::size_t segment_elements() const noexcept { return segment_elements_; }

 private:
  std::size_t count_;
  std::size_t chunk_elements_;
  std::size_t segment_elements_;
};

}  // namespace ft
