#include "plain_scan.h"

#include "zigzag.h"

namespace ft::jpeg {
namespace {

std::optional<Chroma> chroma_of(const jpeg_decompress_struct& info) {
  const auto factors = [&info](int c) {
    return Size{info.comp_info[c].h_samp_factor, info.comp_info[c].v_samp_factor};
  };
  if (info.num_components == 1 && info.jpeg_color_space == JCS_GRAYSCALE) return Chroma::kNone;
  if (info.num_components != 3 || info.jpeg_color_space != JCS_YCbCr) return std::nullopt;
  if (factors(1) != Size{1, 1} || factors(2) != Size{1, 1}) return std::nullopt;
  if (factors(0) == Size{1, 1}) return Chroma::k444;
  if (factors(0) == Size{2, 1}) return Chroma::k422;
  if (factors(0) == Size{2, 2}) return Chroma::k420;
  return std::nullopt;
}

bool is_sequential(const jpeg_decompress_struct& info) {
  return info.progressive_mode == FALSE && info.arith_code == FALSE && info.data_precision == 8 &&
         info.comps_in_scan == info.num_components && info.Ss == 0 && info.Se == 63 && info.Ah == 0 &&
         info.Al == 0;
}

int ceil_div(int value, int by) {
  return (value + by - 1) / by;
}

std::optional<PlainComponent> component(const jpeg_decompress_struct& info, int index) {
  const jpeg_component_info& from = info.comp_info[index];
  if (from.quant_tbl_no >= NUM_QUANT_TBLS) return std::nullopt;  // libjpeg has not looked at it yet
  const JQUANT_TBL* quantisers = info.quant_tbl_ptrs[from.quant_tbl_no];
  if (info.cur_comp_info[index] != &from || quantisers == nullptr || from.dc_tbl_no >= NUM_HUFF_TBLS ||
      from.ac_tbl_no >= NUM_HUFF_TBLS || info.dc_huff_tbl_ptrs[from.dc_tbl_no] == nullptr ||
      info.ac_huff_tbl_ptrs[from.ac_tbl_no] == nullptr) {
    return std::nullopt;
  }
  PlainComponent to;
  to.dc_table = from.dc_tbl_no;
  to.ac_table = from.ac_tbl_no;
  for (std::size_t k = 0; k < 64; ++k) {
    const std::uint16_t quantiser = quantisers->quantval[kNaturalOrder[k]];
    if (quantiser > 255) return std::nullopt;  // not baseline
    to.quantisers[k] = quantiser;
  }
  return to;
}

}  // namespace

std::optional<PlainScan> plain_scan(const jpeg_decompress_struct& info) {
  const std::optional<Chroma> chroma = chroma_of(info);
  if (!chroma || !is_sequential(info)) return std::nullopt;
  PlainScan scan;
  scan.chroma = *chroma;
  scan.component_count = info.num_components;
  scan.size = {static_cast<int>(info.image_width), static_cast<int>(info.image_height)};
  // A grey picture's sampling factors mean nothing: it is not interleaved.
  const Size factors = *chroma == Chroma::kNone
                           ? Size{1, 1}
                           : Size{info.comp_info[0].h_samp_factor, info.comp_info[0].v_samp_factor};
  scan.mcu = {8 * factors.width, 8 * factors.height};
  scan.mcus = {ceil_div(scan.size.width, scan.mcu.width), ceil_div(scan.size.height, scan.mcu.height)};
  scan.restart_interval = static_cast<int>(info.restart_interval);
  for (int c = 0; c < scan.component_count; ++c) {
    std::optional<PlainComponent> made = component(info, c);
    if (!made) return std::nullopt;
    if (c == 0) {
      made->across = factors.width;
      made->down = factors.height;
      made->samples = scan.size;
    } else {
      made->samples = {ceil_div(scan.size.width, factors.width), ceil_div(scan.size.height, factors.height)};
      // libjpeg upsamples such small ones in another way.
      if (factors.width == 2 && made->samples.width <= 2) return std::nullopt;
    }
    scan.dc_tables[static_cast<std::size_t>(made->dc_table)] = info.dc_huff_tbl_ptrs[made->dc_table];
    scan.ac_tables[static_cast<std::size_t>(made->ac_table)] = info.ac_huff_tbl_ptrs[made->ac_table];
    scan.components[static_cast<std::size_t>(c)] = *made;
  }
  return scan;
}

}  // namespace ft::jpeg
