// What the fast decoder needs to know of a JPEG whose header libjpeg has read.
#pragma once

#include <array>
#include <cstdint>
#include <cstdio>  // jpeglib.h needs it
#include <optional>

#include <jpeglib.h>

#include "ft/data/image.h"

namespace ft::jpeg {

// How often chroma was sampled.
enum class Chroma { kNone, k444, k422, k420 };

struct PlainComponent {
  int across = 1, down = 1;  // blocks in an MCU
  Size samples{};            // of the whole picture
  int dc_table = 0, ac_table = 0;
  std::array<std::uint16_t, 64> quantisers{};  // in zigzag order
};

// A plain JPEG: 8 bits, Huffman-coded, sequential, all components in one scan; grey or YCbCr.
struct PlainScan {
  Chroma chroma = Chroma::kNone;
  int component_count = 0;
  std::array<PlainComponent, 3> components;
  Size size{};
  Size mcu{};                // pixels of one
  Size mcus{};               // of the picture
  int restart_interval = 0;  // in MCUs; 0: none
  std::array<const JHUFF_TBL*, NUM_HUFF_TBLS> dc_tables{};
  std::array<const JHUFF_TBL*, NUM_HUFF_TBLS> ac_tables{};
};

// nullopt when it is another kind. `info` is as jpeg_read_header left it, and owns the Huffman tables.
[[nodiscard]] std::optional<PlainScan> plain_scan(const jpeg_decompress_struct& info);

}  // namespace ft::jpeg
