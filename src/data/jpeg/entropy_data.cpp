#include "entropy_data.h"

#include <algorithm>
#include <cstring>

namespace ft::jpeg {
namespace {

constexpr unsigned kFirstRestart = 0xD0;

}  // namespace

void EntropyData::start(std::size_t bytes) {
  ends_.clear();
  end_ = 0;
  if (bytes_.size() < bytes + kReadAhead) bytes_.resize(bytes + kReadAhead);
  pad();
}

std::span<const std::byte> EntropyData::take_scan(std::span<const std::byte> data) {
  start(data.size());
  while (true) {
    data = data.subspan(copy_unstuffed(data));
    const unsigned expected = kFirstRestart + (ends_.size() & 7U);
    end_interval();
    if (data.size() < 2 || std::to_integer<unsigned>(data[1]) != expected) break;
    data = data.subspan(2);
  }
  pad();
  return data;
}

void EntropyData::take_interval(std::span<const std::byte> data) {
  copy_unstuffed(data);
  end_interval();
  pad();
}

std::size_t EntropyData::copy_unstuffed(std::span<const std::byte> data) {
  const auto* const begin = reinterpret_cast<const std::uint8_t*>(data.data());
  const std::uint8_t* const end = begin + data.size();
  const std::uint8_t* from = begin;
  while (true) {
    const auto* marker =
        static_cast<const std::uint8_t*>(std::memchr(from, 0xFF, static_cast<std::size_t>(end - from)));
    const std::uint8_t* const stop = marker == nullptr ? end : marker;
    const auto count = static_cast<std::size_t>(stop - from);
    std::memcpy(bytes_.data() + end_, from, count);
    end_ += count;
    if (end - stop < 2 || stop[1] != 0) return static_cast<std::size_t>(stop - begin);
    bytes_[end_++] = 0xFF;
    from = stop + 2;
  }
}

// Zeros behind the data: what is read there must be the same every time.
void EntropyData::pad() {
  std::memset(bytes_.data() + end_, 0, kReadAhead);
}

}  // namespace ft::jpeg
