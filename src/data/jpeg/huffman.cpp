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

// The run that a symbol without a coefficient stands for.
int run_alone(std::uint8_t symbol) {
  return symbol == kZeroRun ? 15 : HuffmanTable::kEndOfBlock;  // the former and a coefficient that is zero
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
    Symbol& entry = look_[code << static_cast<unsigned>(spare) | rest];
    if (size > spare) {
      entry = Symbol::long_one(symbol, 0, length);
    } else if (size == 0) {
      entry = {run_alone(symbol), 0, length};
    } else {
      entry = {symbol >> 4, extend(rest >> static_cast<unsigned>(spare - size), size), length + size};
    }
  }
}

HuffmanTable::Symbol HuffmanTable::resolve(Symbol unresolved, std::uint32_t bits) const noexcept {
  int symbol = unresolved.run();
  int length = unresolved.bits();
  if (length == 0) {
    const std::uint32_t code = bits >> static_cast<unsigned>(kLongest - 16);
    length = kLookBits + 1;
    while (code >= limit_[static_cast<std::size_t>(length)] && length < 17) ++length;
    if (length > 16) return Symbol::long_one(kBroken, 0, 0);
    const int place = first_symbol_[static_cast<std::size_t>(length)] +
                      static_cast<int>(code >> static_cast<unsigned>(16 - length));
    symbol = symbols_[static_cast<std::size_t>(place & 255)];
  }
  const int size = symbol & 15;
  if (size == 0) return Symbol::long_one(run_alone(static_cast<std::uint8_t>(symbol)), 0, length);
  const std::uint32_t coefficient =
      bits >> static_cast<unsigned>(kLongest - length - size) & ((1U << static_cast<unsigned>(size)) - 1);
  return Symbol::long_one(symbol >> 4, extend(coefficient, size), length + size);
}

}  // namespace ft::jpeg
