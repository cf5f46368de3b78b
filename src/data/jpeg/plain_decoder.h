// Decodes a window of a plain JPEG with the same pixels as libjpeg-turbo: only the blocks
// that the window needs go through the inverse DCT, and where there are restart markers, only their data is
// read.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ft/data/image.h"

#include "colour.h"
#include "entropy_data.h"
#include "huffman.h"
#include "plain_scan.h"

namespace ft::jpeg {

// A stream whose header has been read.
struct PlainStream {
  const PlainScan& scan;
  std::span<const std::byte> payload;              // all of it
  std::size_t data;                                // where the scan's data begin
  std::span<const std::uint32_t> restart_offsets;  // where each restart interval begins, or empty
};

// The buffers of one thread.
class PlainDecoder {
 public:
  // Whether this machine can: it takes AVX2.
  [[nodiscard]] static bool available();

  // `out` gets the window's rows, without padding. False, with anything in `out`, when the data are not
  // clean: libjpeg then says what they are. DataError when the restart offsets do not fit the stream.
  [[nodiscard]] bool decode(const PlainStream& stream, const Box& window, std::span<std::uint8_t> out);
  // All of a stream without restart offsets, but only these rows, which ascend, are made into RGB. False also
  // when something other than the end marker follows its scan.
  [[nodiscard]] bool decode_rows(const PlainStream& stream, std::span<const int> rows,
                                 std::span<std::uint8_t> out);

 private:
  // A rectangle of MCUs.
  struct Mcus {
    int left, top, right, bottom;
  };
  // One component: its tables, and where its samples go.
  struct Target {
    const HuffmanTable* dc = nullptr;
    const HuffmanTable* ac = nullptr;
    PlainComponent component;
    std::uint8_t* samples = nullptr;  // of the first wanted MCU
    std::size_t stride = 0;
    int previous_dc = 0;
  };

  [[nodiscard]] static Mcus mcus_of(const PlainScan& scan, const Box& window);
  [[nodiscard]] bool build_tables(const PlainScan& scan);
  // All samples that the window needs, ready for converter_.
  [[nodiscard]] bool decode_planes(const PlainStream& stream, const Box& window);
  [[nodiscard]] bool end_follows() const noexcept;
  void place_planes(const PlainScan& scan, const Mcus& wanted);
  [[nodiscard]] bool decode_blocks(const PlainStream& stream, const Mcus& wanted);
  [[nodiscard]] bool decode_interval(BitReader reader, const PlainScan& scan, const Mcus& wanted, int first,
                                     int last);
  // `block` is all zeros before and, unless the MCU is damaged, afterwards.
  [[nodiscard]] bool decode_mcu(BitReader& from, Block& block, int column, int row);
  [[nodiscard]] bool skip_mcu(BitReader& from);
  [[nodiscard]] std::span<Target> targets() noexcept { return std::span(targets_).first(components_); }

  EntropyData data_;
  std::span<const std::byte> behind_scan_;
  std::array<HuffmanTable, NUM_HUFF_TBLS> dc_tables_, ac_tables_;
  std::array<Target, 3> targets_;
  std::size_t components_ = 0;
  std::array<Plane, 3> planes_;
  std::vector<std::uint8_t> samples_;
  RowConverter converter_;
};

}  // namespace ft::jpeg
