#include "huffman.h"

#include <algorithm>

namespace ft::jpeg {
namespace {

constexpr std::uint8_t kZeroRun = 0xF0;  // sixteen zeros

// The number that `size` bits stand for (T.81, table F.1).
int extend(std::uint32_t bits, int size) {
  const auto value = static_cast<int>(bits);
  return value < (1 << (size - 1)) ? value - (1 << size) + 1 : value;
}

}  // namespace

bool HuffmanTable::build(const JHUFF_TBL& table, std::uint8_t most) {
  look_.fill({});
  std::copy_n(table.huffval, symbols_.size(), symbols_.begin());
  std::uint32_t code = 0;
  int index = 0;
  for (int length = 1; length <= 16; ++length, code <<= 1U) {
    const int count = table.bits[length];
    if (code + static_cast<std::uint32_t>(count) > (1U << static_cast<unsigned>(length)) ||
        index + count > 256)
      return false;
    first_symbol_[static_cast<std::size_t>(length)] = index - static_cast<int>(code);
    for (int i = 0; i < count; ++i, ++index) {
      const std::uint8_t symbol = symbols_[static_cast<std::size_t>(index)];
      if (symbol > most) return false;
      fill(code++, length, symbol);
    }
    limit_[static_cast<std::size_t>(length)] = code << static_cast<unsigned>(16 - length);
  }
  limit_[17] = 1U << 16U;
  return true;
}

void HuffmanTable::fill(std::uint32_t code, int length, std::uint8_t symbol) {
  if (length > kLookBits) return;
  const int spare = kLookBits - length;
  const int size = symbol & 15;
  for (std::uint32_t rest = 0; rest < (1U << static_cast<unsigned>(spare)); ++rest) {
    Entry& entry = look_[code << static_cast<unsigned>(spare) | rest];
    entry.bits = static_cast<std::uint8_t>(length);
    entry.run = symbol;
    if (size > spare) continue;
    entry.complete = true;
    entry.bits = static_cast<std::uint8_t>(length + size);
    entry.run = static_cast<std::uint8_t>(symbol >> 4U);
    if (size != 0) {
      entry.value = static_cast<std::int16_t>(extend(rest >> static_cast<unsigned>(spare - size), size));
    } else if (symbol == kZeroRun) {
      entry.run = 15;  // and a coefficient that is zero
    } else {
      entry.run = kEndOfBlock;
    }
  }
}

HuffmanTable::Symbol HuffmanTable::next_long(BitReader& reader, Entry entry) const noexcept {
  std::uint8_t symbol = entry.run;
  int length = entry.bits;
  if (length == 0) {
    const std::uint32_t bits = reader.peek(16);
    length = kLookBits + 1;
    while (bits >= limit_[static_cast<std::size_t>(length)] && length < 17) ++length;
    if (length > 16) return {kBroken, 0, false};
    const auto code = static_cast<int>(bits >> static_cast<unsigned>(16 - length));
    symbol =
        symbols_[static_cast<std::size_t>(first_symbol_[static_cast<std::size_t>(length)] + code) & 255U];
  }
  reader.consume(length);
  const int size = symbol & 15;
  if (size == 0) return {symbol == kZeroRun ? 15 : kEndOfBlock, 0, false};
  const int value = extend(reader.peek(size), size);
  reader.consume(size);
  return {symbol >> 4, value, false};
}

}  // namespace ft::jpeg
