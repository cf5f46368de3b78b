// Huffman decoding of blocks (ITU-T T.81, annex F), built for speed: one table lookup gives a code's length,
// its run of zeros and its coefficient at once whenever code and coefficient fit ten bits, as most do.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstdio>  // jpeglib.h needs it
#include <cstdlib>
#include <cstring>

#include <jpeglib.h>

#include "zigzag.h"

namespace ft::jpeg {

// Bytes that a reader may look at behind the end of its data: more than a damaged MCU can ask for.
inline constexpr std::size_t kReadAhead = 4096;

// Bits of entropy-coded data from which stuffing has been taken out. Never reads more than kReadAhead bytes
// behind the end as long as overrun() is asked after each MCU.
class BitReader {
 public:
  BitReader(const std::uint8_t* begin, const std::uint8_t* end) : next_(begin), end_(end) {}

  // Afterwards at least 56 bits are there.
  void refill() noexcept {
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, next_, sizeof bytes);
    bits_ |= __builtin_bswap64(bytes) >> count_;
    next_ += (63 - count_) >> 3;
    count_ |= 56;
  }
  [[nodiscard]] std::uint32_t peek(int count) const noexcept {
    return static_cast<std::uint32_t>(bits_ >> (64 - count));
  }
  void consume(int count) noexcept {
    bits_ <<= count;
    count_ -= count;
  }
  [[nodiscard]] bool overrun() const noexcept { return position() > end_; }
  // Whether only the padding of the last byte is left.
  [[nodiscard]] bool at_end() const noexcept { return position() == end_; }

 private:
  [[nodiscard]] const std::uint8_t* position() const noexcept { return next_ - (count_ >> 3); }

  const std::uint8_t* next_;
  const std::uint8_t* end_;
  std::uint64_t bits_ = 0;  // the next ones are the highest
  int count_ = 0;
};

class HuffmanTable {
 public:
  // False when the code lengths make no code, or a symbol is above `most`.
  [[nodiscard]] bool build(const JHUFF_TBL& table, std::uint8_t most);

  static constexpr int kLookBits = 10;
  static constexpr int kShortOfOneRefill = 3;  // of 56 bits, and 31 are there before each
  static constexpr int kEndOfBlock = 127;      // a "run" that leads out of any block
  static constexpr int kBroken = 126;          // the same, and nothing good

  // What the next bits say, in one register: a structure of several would go through memory, which took more
  // time than all the rest.
  class Symbol {
   public:
    Symbol() = default;
    Symbol(int run, int value, int bits)
        : word_(static_cast<std::uint32_t>(value) << 16U | static_cast<std::uint32_t>(run) << 8U |
                static_cast<std::uint32_t>(bits)) {}
    // One that takes more than kLookBits; as the table has it, unresolved, `run` is the symbol of T.81 and
    // `bits` are those of its code, or 0 where that alone is too long.
    [[nodiscard]] static Symbol long_one(int run, int value, int bits) {
      return {run, value, bits | static_cast<int>(kLong)};
    }

    // Zeros before the coefficient.
    [[nodiscard]] int run() const noexcept { return static_cast<int>(word_ >> 8U & 255U); }
    // The coefficient.
    [[nodiscard]] int value() const noexcept { return static_cast<std::int32_t>(word_) >> 16; }
    // Of code and coefficient.
    [[nodiscard]] int bits() const noexcept { return static_cast<int>(word_ & 63U); }
    [[nodiscard]] bool is_long() const noexcept { return (word_ & kLong) != 0; }

   private:
    static constexpr unsigned kLong = 128;

    std::uint32_t word_ = kLong;
  };

  // Decodes one symbol; needs 31 bits in `reader`.
  [[nodiscard]] Symbol next(BitReader& reader) const noexcept {
    Symbol symbol = look_[reader.peek(kLookBits)];
    if (symbol.is_long()) [[unlikely]]
      symbol = resolve(symbol, reader.peek(kLongest));
    reader.consume(symbol.bits());
    return symbol;
  }

 private:
  static constexpr int kLongest = 31;  // bits of a code and its coefficient

  // The symbol that begins the `bits`.
  [[nodiscard]] Symbol resolve(Symbol unresolved, std::uint32_t bits) const noexcept;
  void fill(std::uint32_t code, int length, std::uint8_t symbol);

  std::array<Symbol, std::size_t{1} << kLookBits> look_;
  // For codes of each length: one more than the last, left-aligned to 16 bits; and where their symbols begin.
  std::array<std::uint32_t, 18> limit_;
  std::array<std::int32_t, 17> first_symbol_;
  std::array<std::uint8_t, 256> symbols_;
};

// Coefficients that were multiplied by their quantisers.
struct alignas(32) Block {
  std::array<std::int16_t, 64> coefficients;
};

// What came of a block.
struct BlockSummary {
  int last;       // the zigzag place of the last coefficient that was stored
  int magnitude;  // the sum of all absolute values; negative where the data are damaged
};

// Decodes a block whose DC coefficient follows `dc`, which is updated. `block` is all zeros before.
inline BlockSummary decode_block(BitReader& reader, const HuffmanTable& dc_table,
                                 const HuffmanTable& ac_table,
                                 const std::array<std::uint16_t, 64>& quantisers, int& dc,
                                 Block& block) noexcept {
  reader.refill();
  const HuffmanTable::Symbol difference = dc_table.next(reader);
  if (difference.run() == HuffmanTable::kBroken) return {0, -1};
  dc += difference.value();
  const int first = dc * quantisers[0];
  block.coefficients[0] = static_cast<std::int16_t>(first);
  int magnitude = std::abs(first);
  int k = 1;
  int last = 0;
  while (k < 64) {
    reader.refill();
    for (int i = 0; i < HuffmanTable::kShortOfOneRefill; ++i) {
      const HuffmanTable::Symbol symbol = ac_table.next(reader);
      k += symbol.run();
      if (k >= 64) return {last, symbol.run() == HuffmanTable::kEndOfBlock ? magnitude : -1};
      const int value = symbol.value() * quantisers[static_cast<std::size_t>(k)];
      block.coefficients[kNaturalOrder[static_cast<std::size_t>(k)]] = static_cast<std::int16_t>(value);
      magnitude += std::abs(value);
      last = k++;
      if (symbol.is_long() || k >= 64) break;
    }
  }
  return {last, magnitude};
}

// Goes over a block. False where the data are damaged.
inline bool skip_block(BitReader& reader, const HuffmanTable& dc_table, const HuffmanTable& ac_table,
                       int& dc) noexcept {
  reader.refill();
  const HuffmanTable::Symbol difference = dc_table.next(reader);
  if (difference.run() == HuffmanTable::kBroken) return false;
  dc += difference.value();
  int k = 1;
  while (k < 64) {
    reader.refill();
    for (int i = 0; i < HuffmanTable::kShortOfOneRefill; ++i) {
      const HuffmanTable::Symbol symbol = ac_table.next(reader);
      k += symbol.run() + 1;
      if (k > 64) return symbol.run() == HuffmanTable::kEndOfBlock;
      if (symbol.is_long() || k == 64) break;
    }
  }
  return true;
}

}  // namespace ft::jpeg
