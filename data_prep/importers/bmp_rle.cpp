#include "importers/bmp_rle.h"

#include <algorithm>

#include <fmt/format.h>

namespace ft::importers {
namespace {

class RunLengths {
 public:
  RunLengths(ByteCursor& cursor, bool nibbles, std::size_t width, std::size_t total)
      : cursor_(cursor), nibbles_(nibbles), width_(width), total_(total) {}

  std::vector<std::uint8_t> decode() {
    while (indices_.size() < total_) {
      const Bytes pair = cursor_.take_up_to(2);
      if (pair.size() < 2) break;
      if (pair[0] != 0) {
        put_run(pair[0], pair[1]);
      } else if (pair[1] == kEndOfLine) {
        end_line();
      } else if (pair[1] == kEndOfBitmap || (pair[1] == kMove ? !move() : !put_literals(pair[1]))) {
        break;
      }
    }
    return std::move(indices_);
  }

 private:
  static constexpr int kEndOfLine = 0, kEndOfBitmap = 1, kMove = 2;

  void put_run(std::size_t count, std::uint8_t value) {
    if (column_ + count > width_) count = width_ > column_ ? width_ - column_ : 0;
    const std::array<std::uint8_t, 2> pair{static_cast<std::uint8_t>(value >> 4U),
                                           static_cast<std::uint8_t>(value & 15U)};
    for (std::size_t i = 0; i < count; ++i) indices_.push_back(nibbles_ ? pair[i % 2] : value);
    column_ += count;
  }

  void end_line() {
    const std::size_t rest = indices_.size() % width_;
    if (rest != 0) indices_.resize(indices_.size() + width_ - rest);
    column_ = 0;
  }

  bool move() {
    const Bytes step = cursor_.take_up_to(2);
    if (step.size() < 2) return false;
    indices_.resize(std::min(total_, indices_.size() + step[0] + step[1] * width_));
    column_ = indices_.size() % width_;
    return true;
  }

  bool put_literals(std::size_t count) {
    const std::size_t wanted = std::min(total_ - indices_.size(), count);
    const std::size_t bytes = nibbles_ ? (wanted + 1) / 2 : wanted;
    const Bytes literals = cursor_.take_up_to(bytes);
    if (nibbles_) {
      for (std::size_t i = 0; i < literals.size(); ++i) {
        indices_.push_back(static_cast<std::uint8_t>(literals[i] >> 4U));
        if (i * 2 + 1 < wanted) indices_.push_back(static_cast<std::uint8_t>(literals[i] & 15U));
      }
    } else {
      indices_.insert(indices_.end(), literals.begin(), literals.end());
    }
    if (literals.size() < bytes || indices_.size() == total_) return false;
    column_ += count;
    if (cursor_.position() % 2 != 0) cursor_.skip(1);  // runs start at even places
    return true;
  }

  ByteCursor& cursor_;
  bool nibbles_;
  std::size_t width_, total_;
  std::size_t column_ = 0;
  std::vector<std::uint8_t> indices_;
};

}  // namespace

std::vector<std::uint8_t> decode_bmp_rle(ByteCursor& cursor, bool nibbles, std::size_t width,
                                         std::size_t height) {
  std::vector<std::uint8_t> indices = RunLengths(cursor, nibbles, width, width * height).decode();
  if (indices.size() < width * height) {
    throw ImportError(
        fmt::format("truncated BMP: run lengths end in row {} of {}", indices.size() / width, height));
  }
  return indices;
}

}  // namespace ft::importers
