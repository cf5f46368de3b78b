#include "plain_decoder.h"

#include <algorithm>
#include <cstdlib>

#include "inverse_dct.h"
#include "restart_index.h"

namespace ft::jpeg {

#if defined(__x86_64__)

namespace {

constexpr std::uint8_t kMostDcSymbol = 15;
constexpr std::uint8_t kMostAcSymbol = 255;
constexpr int kMostDc = 1 << 15;
constexpr std::byte kMarker{0xFF};
constexpr std::byte kEndOfImage{0xD9};

// How far upsampling looks around a pixel.
constexpr int kNeighbourhood = 2;

Box whole(const PlainScan& scan) {
  return {0, 0, scan.size.width, scan.size.height};
}

}  // namespace

bool PlainDecoder::available() {
  return __builtin_cpu_supports("avx2") != 0;
}

bool PlainDecoder::decode(const PlainStream& stream, const Box& window, std::span<std::uint8_t> out) {
  if (!decode_planes(stream, window)) return false;
  std::uint8_t* row = out.data();
  for (int y = window.top; y < window.bottom(); ++y, row += std::ptrdiff_t{3} * window.width) {
    converter_.convert(planes_.data(), y, row);
  }
  return true;
}

bool PlainDecoder::decode_rows(const PlainStream& stream, std::span<const int> rows,
                               std::span<std::uint8_t> out) {
  if (!decode_planes(stream, whole(stream.scan)) || !end_follows()) return false;
  std::uint8_t* to = out.data();
  for (const int row : rows) {
    converter_.convert(planes_.data(), row, to);
    to += std::ptrdiff_t{3} * stream.scan.size.width;
  }
  return true;
}

bool PlainDecoder::decode_planes(const PlainStream& stream, const Box& window) {
  const PlainScan& scan = stream.scan;
  if (!build_tables(scan)) return false;
  const Mcus wanted = mcus_of(scan, window);
  place_planes(scan, wanted);
  if (!decode_blocks(stream, wanted)) return false;
  converter_.start(scan.chroma, window);
  return true;
}

bool PlainDecoder::end_follows() const noexcept {
  return behind_scan_.size() >= 2 && behind_scan_[0] == kMarker && behind_scan_[1] == kEndOfImage;
}

PlainDecoder::Mcus PlainDecoder::mcus_of(const PlainScan& scan, const Box& window) {
  const auto first = [](int pixel, int unit) { return std::max(pixel - kNeighbourhood, 0) / unit; };
  const auto last = [](int pixel, int unit, int count) {
    return std::min((pixel + kNeighbourhood - 1) / unit + 1, count);
  };
  return {first(window.left, scan.mcu.width), first(window.top, scan.mcu.height),
          last(window.right(), scan.mcu.width, scan.mcus.width),
          last(window.bottom(), scan.mcu.height, scan.mcus.height)};
}

bool PlainDecoder::build_tables(const PlainScan& scan) {
  components_ = static_cast<std::size_t>(scan.component_count);
  for (std::size_t table = 0; table < NUM_HUFF_TBLS; ++table) {
    const JHUFF_TBL* dc = scan.dc_tables[table];
    const JHUFF_TBL* ac = scan.ac_tables[table];
    if (dc != nullptr && !dc_tables_[table].build(*dc, kMostDcSymbol)) return false;
    if (ac != nullptr && !ac_tables_[table].build(*ac, kMostAcSymbol)) return false;
  }
  for (std::size_t c = 0; c < components_; ++c) {
    Target& target = targets_[c];
    target.component = scan.components[c];
    target.dc = &dc_tables_[static_cast<std::size_t>(target.component.dc_table)];
    target.ac = &ac_tables_[static_cast<std::size_t>(target.component.ac_table)];
  }
  return true;
}

void PlainDecoder::place_planes(const PlainScan& scan, const Mcus& wanted) {
  std::array<std::size_t, 3> begins{};
  std::size_t bytes = 0;
  for (std::size_t c = 0; c < components_; ++c) {
    const PlainComponent& component = scan.components[c];
    const int across = 8 * component.across;
    const int down = 8 * component.down;
    const Box box{wanted.left * across, wanted.top * down, (wanted.right - wanted.left) * across,
                  (wanted.bottom - wanted.top) * down};
    planes_[c] = {nullptr, static_cast<std::size_t>(box.width), box, component.samples};
    begins[c] = bytes;
    bytes += planes_[c].stride * static_cast<std::size_t>(box.height);
  }
  if (samples_.size() < bytes + kPlaneSlack) samples_.resize(bytes + kPlaneSlack);
  for (std::size_t c = 0; c < components_; ++c) {
    targets_[c].samples = samples_.data() + begins[c];
    targets_[c].stride = planes_[c].stride;
    planes_[c].data = targets_[c].samples;
  }
}

// Goes through the restart intervals in which a wanted MCU lies; one that has no markers is one interval.
bool PlainDecoder::decode_blocks(const PlainStream& stream, const Mcus& wanted) {
  const PlainScan& scan = stream.scan;
  const int total = scan.mcus.width * scan.mcus.height;
  const int length = scan.restart_interval > 0 ? scan.restart_interval : total;
  const auto count = static_cast<std::size_t>((total - 1) / length) + 1;
  const bool indexed = !stream.restart_offsets.empty();
  const RestartIndex index(stream.payload, stream.data, stream.restart_offsets, indexed ? count : 0);
  if (indexed) {
    data_.start(stream.payload.size());
  } else {
    behind_scan_ = data_.take_scan(stream.payload.subspan(stream.data));
  }

  for (int row = wanted.top; row < wanted.bottom; ++row) {
    // Intervals that begin in an earlier row were seen there.
    const int begin = row * scan.mcus.width + wanted.left;
    const int end = row * scan.mcus.width + wanted.right;
    int interval = begin / length;
    const int before = (row - 1) * scan.mcus.width + wanted.right;  // where the last row's wanted MCUs end
    if (row > wanted.top && interval == (before - 1) / length) ++interval;
    for (; interval * length < end; ++interval) {
      auto place = static_cast<std::size_t>(interval);
      if (indexed) {
        data_.take_interval(index.interval(place));
        place = data_.intervals() - 1;
      }
      if (place >= data_.intervals()) return false;
      const int first = interval * length;
      if (!decode_interval(data_.interval(place), scan, wanted, first, std::min(first + length, total))) {
        return false;
      }
    }
  }
  return true;
}

bool PlainDecoder::decode_interval(BitReader reader, const PlainScan& scan, const Mcus& wanted, int first,
                                   int last) {
  for (Target& target : targets()) target.previous_dc = 0;
  Block block{};
  const int stop = std::min(last, (wanted.bottom - 1) * scan.mcus.width + wanted.right);
  int row = first / scan.mcus.width;
  int column = first % scan.mcus.width;
  for (int mcu = first; mcu < stop; ++mcu) {
    const bool inside =
        column >= wanted.left && column < wanted.right && row >= wanted.top && row < wanted.bottom;
    const bool clean =
        inside ? decode_mcu(reader, block, column - wanted.left, row - wanted.top) : skip_mcu(reader);
    if (!clean || reader.overrun()) return false;
    if (++column == scan.mcus.width) {
      column = 0;
      ++row;
    }
  }
  const bool marker_follows = stop == last && last < scan.mcus.width * scan.mcus.height;
  return !marker_follows || reader.at_end();
}

bool PlainDecoder::decode_mcu(BitReader& from, Block& block, int column, int row) {
  BitReader reader = from;  // in registers
  for (Target& target : targets()) {
    const PlainComponent& component = target.component;
    for (int down = 0; down < component.down; ++down) {
      for (int across = 0; across < component.across; ++across) {
        const BlockSummary summary =
            decode_block(reader, *target.dc, *target.ac, component.quantisers, target.previous_dc, block);
        if (summary.magnitude < 0 || summary.magnitude > kMostMagnitude) return false;
        const auto x = 8 * static_cast<std::size_t>(column * component.across + across);
        const auto y = 8 * static_cast<std::size_t>(row * component.down + down);
        std::uint8_t* const out = target.samples + y * target.stride + x;
        if (summary.last == 0) {
          inverse_dct_flat(block, out, target.stride);
        } else {
          inverse_dct(block, out, target.stride);
        }
      }
    }
  }
  from = reader;
  return true;
}

bool PlainDecoder::skip_mcu(BitReader& from) {
  BitReader reader = from;
  for (Target& target : targets()) {
    const int blocks = target.component.across * target.component.down;
    for (int block = 0; block < blocks; ++block) {
      if (!skip_block(reader, *target.dc, *target.ac, target.previous_dc)) return false;
      if (std::abs(target.previous_dc) > kMostDc) return false;
    }
  }
  from = reader;
  return true;
}

#else

bool PlainDecoder::available() {
  return false;
}

bool PlainDecoder::decode(const PlainStream& /*stream*/, const Box& /*window*/,
                          std::span<std::uint8_t> /*out*/) {
  return false;
}

bool PlainDecoder::decode_rows(const PlainStream& /*stream*/, std::span<const int> /*rows*/,
                               std::span<std::uint8_t> /*out*/) {
  return false;
}

#endif

}  // namespace ft::jpeg
