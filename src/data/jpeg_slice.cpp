#include "jpeg_slice.h"

#include <algorithm>

#include <fmt/format.h>

#include "ft/base/error.h"

namespace ft {
namespace {

using Bytes = std::span<const std::byte>;

enum Marker : unsigned {
  kFirstRestart = 0xD0,
  kEndOfImage = 0xD9,
  kStartOfScan = 0xDA,
  kRestartInterval = 0xDD,
  kBaseline = 0xC0,
  kExtended = 0xC1,
};

// A pixel at the edge of a slice is upsampled without its neighbour outside, so the slice has one more.
constexpr int kMargin = 1;

[[noreturn]] void fail(const char* what) {
  throw DataError(fmt::format("the restart index does not fit the JPEG: {}", what));
}

unsigned byte_at(Bytes stream, std::size_t at) {
  if (at >= stream.size()) fail("its header is cut short");
  return std::to_integer<unsigned>(stream[at]);
}

unsigned short_at(Bytes stream, std::size_t at) {
  return byte_at(stream, at) << 8U | byte_at(stream, at + 1);
}

// What a slice needs to know of the markers in front of the picture's data.
struct Header {
  std::size_t frame = 0;  // where the frame header's parameters begin: precision, height, width, components
  std::size_t data = 0;   // where the scan's data begins
  int interval = 0;       // blocks (MCUs) between restart markers
  Size block{8, 8};       // pixels of one
};

Size block_of(Bytes stream, std::size_t frame) {
  const unsigned components = byte_at(stream, frame + 5);
  if (components == 1) return {8, 8};  // not interleaved: the sampling factors do not matter
  int across = 1;
  int down = 1;
  for (unsigned c = 0; c < components; ++c) {
    const unsigned factors = byte_at(stream, frame + 7 + std::size_t{3} * c);
    across = std::max(across, static_cast<int>(factors >> 4U));
    down = std::max(down, static_cast<int>(factors & 15U));
  }
  return {8 * across, 8 * down};
}

Header read_header(Bytes stream) {
  Header header;
  std::size_t at = 2;
  while (true) {
    if (byte_at(stream, at) != 0xFF) fail("no marker where one should be");
    const unsigned marker = byte_at(stream, at + 1);
    const std::size_t parameters = at + 4;
    const std::size_t next = at + 2 + short_at(stream, at + 2);
    if (marker == kBaseline || marker == kExtended) {
      header.frame = parameters;
      header.block = block_of(stream, parameters);
    } else if (marker == kRestartInterval) {
      header.interval = static_cast<int>(short_at(stream, parameters));
    } else if (marker == kStartOfScan) {
      header.data = next;
      break;
    }
    at = next;
  }
  // Lengths may lie: what is patched must lie in front of the data, and the data in the stream.
  constexpr std::size_t kPatched = 5;
  if (header.data > stream.size() || header.frame + kPatched > header.data) fail("its header is cut short");
  if (header.frame == 0 || header.interval == 0) fail("no frame or no restart interval in its header");
  return header;
}

// A stretch of block columns or rows, and the pixels it shows.
struct Stretch {
  int first, last;  // blocks, or intervals
  int begin, end;   // pixels
};

// The units of `unit` pixels that hold the pixels [begin - margin, end + margin) of an axis.
Stretch stretch_over(int begin, int end, int unit, int size) {
  const int first = std::max(begin - kMargin, 0) / unit;
  const int last = (std::min(end + kMargin, size) + unit - 1) / unit;
  return {first, last, first * unit, std::min(last * unit, size)};
}

class Slicer {
 public:
  Slicer(Bytes payload, std::span<const std::uint32_t> offsets, Size size)
      : payload_(payload), offsets_(offsets), size_(size), header_(read_header(payload)) {
    const int columns = (size.width + header_.block.width - 1) / header_.block.width;
    const int rows = (size.height + header_.block.height - 1) / header_.block.height;
    if (columns % header_.interval != 0) fail("an interval goes over the end of a row");
    intervals_a_row_ = columns / header_.interval;
    if (offsets.size() != static_cast<std::size_t>(intervals_a_row_) * static_cast<std::size_t>(rows)) {
      fail("it has another number of intervals");
    }
  }

  Box cut(const Box& window, std::vector<std::byte>& slice) {
    const Stretch x =
        stretch_over(window.left, window.right(), header_.block.width * header_.interval, size_.width);
    const Stretch y = stretch_over(window.top, window.bottom(), header_.block.height, size_.height);
    slice.assign(payload_.begin(), payload_.begin() + static_cast<std::ptrdiff_t>(header_.data));
    put_short(slice, header_.frame + 1, y.end - y.begin);
    put_short(slice, header_.frame + 3, x.end - x.begin);
    unsigned restart = 0;
    for (int row = y.first; row < y.last; ++row) {
      for (int column = x.first; column < x.last; ++column) {
        if (row != y.first || column != x.first) put_marker(slice, kFirstRestart + (restart++ & 7U));
        const Bytes data = interval(static_cast<std::size_t>(row * intervals_a_row_ + column));
        slice.insert(slice.end(), data.begin(), data.end());
      }
    }
    put_marker(slice, kEndOfImage);
    return {x.begin, y.begin, x.end - x.begin, y.end - y.begin};
  }

 private:
  static void put_short(std::vector<std::byte>& out, std::size_t at, int value) {
    out[at] = static_cast<std::byte>(value >> 8);
    out[at + 1] = static_cast<std::byte>(value);
  }

  static void put_marker(std::vector<std::byte>& out, unsigned marker) {
    out.push_back(std::byte{0xFF});
    out.push_back(static_cast<std::byte>(marker));
  }

  // The offsets carry no hash of their own: each is believed only when the marker in front of it is the right
  // one.
  [[nodiscard]] std::size_t begin_of(std::size_t index) const {
    const std::size_t at = offsets_[index];
    if (index == 0) {
      if (at != header_.data) fail("its first offset");
      return at;
    }
    if (at < 2 || at > payload_.size() || std::to_integer<unsigned>(payload_[at - 2]) != 0xFF ||
        std::to_integer<unsigned>(payload_[at - 1]) != kFirstRestart + ((index - 1) & 7U)) {
      fail("no restart marker in front of an offset");
    }
    return at;
  }

  [[nodiscard]] Bytes interval(std::size_t index) const {
    const std::size_t begin = begin_of(index);
    const std::size_t end = index + 1 < offsets_.size() ? begin_of(index + 1) - 2 : end_of_data();
    if (begin > end) fail("its offsets do not ascend");
    return payload_.subspan(begin, end - begin);
  }

  [[nodiscard]] std::size_t end_of_data() const {
    const std::size_t end = payload_.size() - 2;
    if (std::to_integer<unsigned>(payload_[end]) != 0xFF ||
        std::to_integer<unsigned>(payload_[end + 1]) != kEndOfImage) {
      fail("no end marker at the end");
    }
    return end;
  }

  Bytes payload_;
  std::span<const std::uint32_t> offsets_;
  Size size_;
  Header header_;
  int intervals_a_row_ = 0;
};

}  // namespace

Box slice_jpeg(Bytes payload, std::span<const std::uint32_t> restart_offsets, Size size, const Box& window,
               std::vector<std::byte>& slice) {
  return Slicer(payload, restart_offsets, size).cut(window, slice);
}

}  // namespace ft
