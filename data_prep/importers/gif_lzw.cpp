#include "importers/gif_lzw.h"

#include <array>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "importers/byte_cursor.h"

namespace ft::importers {
namespace {

constexpr int kMaxCodeBits = 12;
constexpr int kTableSize = 1 << kMaxCodeBits;

// Codes of changing width, least significant bit first, out of length-prefixed blocks.
class CodeReader {
 public:
  explicit CodeReader(Bytes data) : data_(data) {}

  // Nothing where the data ends. A block counts only when all of it is there.
  [[nodiscard]] std::optional<int> next(int bits) {
    while (bit_count_ < bits) {
      if (block_left_ == 0) {
        if (position_ >= data_.size() || data_.size() - position_ - 1 < data_[position_]) return std::nullopt;
        block_left_ = data_[position_++];
        continue;
      }
      bits_ |= static_cast<std::uint32_t>(data_[position_++]) << static_cast<unsigned>(bit_count_);
      bit_count_ += 8;
      --block_left_;
    }
    const auto code = static_cast<int>(bits_ & ((1U << static_cast<unsigned>(bits)) - 1U));
    bits_ >>= static_cast<unsigned>(bits);
    bit_count_ -= bits;
    return code;
  }

 private:
  Bytes data_;
  std::size_t position_ = 0;
  int block_left_ = 0;
  std::uint32_t bits_ = 0;
  int bit_count_ = 0;
};

// Collects indices into rows and knows which row comes next.
class RowSink {
 public:
  RowSink(int width, int height, bool interlaced, const std::function<void(int, Bytes)>& put_row)
      : row_(static_cast<std::size_t>(width)), height_(height), interlaced_(interlaced), put_row_(put_row) {}

  [[nodiscard]] bool full() const noexcept { return y_ >= height_; }
  [[nodiscard]] int y() const noexcept { return y_; }

  void put(std::uint8_t index) {
    row_[x_++] = index;
    if (x_ < row_.size()) return;
    put_row_(y_, row_);
    x_ = 0;
    next_row();
  }

 private:
  void next_row() {
    static constexpr std::array<int, 4> kStart{0, 4, 2, 1};
    static constexpr std::array<int, 4> kStep{8, 8, 4, 2};
    y_ += interlaced_ ? kStep[pass_] : 1;
    while (interlaced_ && y_ >= height_ && pass_ + 1 < kStart.size()) y_ = kStart[++pass_];
  }

  std::vector<std::uint8_t> row_;
  std::size_t x_ = 0;
  int height_;
  bool interlaced_;
  const std::function<void(int, Bytes)>& put_row_;
  int y_ = 0;
  std::size_t pass_ = 0;
};

// The strings seen so far: each is a shorter one and a last index.
class StringTable {
 public:
  explicit StringTable(int code_bits) : code_bits_(code_bits), clear_(1 << code_bits) { reset(); }

  void reset() {
    next_ = clear_ + 2;
    width_ = code_bits_ + 1;
    previous_ = -1;
  }
  [[nodiscard]] int clear_code() const noexcept { return clear_; }
  [[nodiscard]] int end_code() const noexcept { return clear_ + 1; }
  [[nodiscard]] int width() const noexcept { return width_; }

  // The string of `code`, last index first; empty where no such code can stand here.
  [[nodiscard]] Bytes expand(int code) {
    if (previous_ < 0) return begin(code);
    if (code > next_) return {};
    std::size_t length = 0;
    const int last = code;
    if (code == next_) {
      string_[length++] = first_;
      code = previous_;
    }
    for (; code >= clear_; code = link_[static_cast<std::size_t>(code)]) {
      // One place is kept for the first index. A chain can be longer than the table only in damaged data.
      if (length >= kTableSize || code >= kTableSize) return {};
      string_[length++] = data_[static_cast<std::size_t>(code)];
    }
    first_ = static_cast<std::uint8_t>(code);
    string_[length++] = first_;
    remember();
    previous_ = last;
    return {string_.data(), length};
  }

 private:
  Bytes begin(int code) {
    if (code > clear_) return {};
    first_ = static_cast<std::uint8_t>(code);
    previous_ = code;
    string_[0] = first_;
    return {string_.data(), 1};
  }

  void remember() {
    if (next_ >= kTableSize) return;
    data_[static_cast<std::size_t>(next_)] = first_;
    link_[static_cast<std::size_t>(next_)] = previous_;
    if (next_ == (1 << width_) - 1 && width_ < kMaxCodeBits) ++width_;
    ++next_;
  }

  int code_bits_, clear_;
  int next_ = 0, width_ = 0, previous_ = -1;
  std::uint8_t first_ = 0;
  std::array<std::uint8_t, kTableSize> data_{};
  std::array<int, kTableSize> link_{};
  std::array<std::uint8_t, kTableSize + 1> string_{};
};

}  // namespace

void decode_gif_lzw(Bytes data, int code_bits, bool interlaced, int width, int height,
                    const std::function<void(int y, Bytes indices)>& put_row) {
  if (code_bits > kMaxCodeBits) throw ImportError(fmt::format("broken GIF: codes of {} bits", code_bits));
  CodeReader codes(data);
  StringTable table(code_bits);
  RowSink sink(width, height, interlaced, put_row);
  while (!sink.full()) {
    const std::optional<int> code = codes.next(table.width());
    if (!code || *code == table.end_code()) {
      throw ImportError(fmt::format("truncated GIF: image data ends in row {}", sink.y()));
    }
    if (*code == table.clear_code()) {
      table.reset();
      continue;
    }
    const Bytes string = table.expand(*code);
    if (string.empty()) throw ImportError(fmt::format("broken GIF: damaged image data in row {}", sink.y()));
    for (auto index = string.rbegin(); index != string.rend() && !sink.full(); ++index) sink.put(*index);
  }
}

}  // namespace ft::importers
