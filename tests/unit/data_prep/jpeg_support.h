// JPEGs of every kind, made by libjpeg.
#pragma once

#include <array>
#include <cstddef>
#include <cstdio>  // jpeglib.h needs it
#include <cstdlib>
#include <vector>

#include <jpeglib.h>

#include "ft/data/image.h"

namespace ft::testing {

struct JpegKind {
  int luma_h = 2, luma_v = 2;  // 2 x 2 is 4:2:0
  J_COLOR_SPACE colours = JCS_YCbCr;
  int quality = 90;
  bool optimised = false;
  bool progressive = false;
  bool arithmetic = false;
  bool one_scan_a_component = false;
  unsigned restart_interval = 0;
};

inline std::vector<std::byte> make_jpeg(const RgbImage& image, const JpegKind& kind = {}) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* file = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &file, &size);
  info.image_width = static_cast<JDIMENSION>(image.width());
  info.image_height = static_cast<JDIMENSION>(image.height());
  info.input_components = 3;
  info.in_color_space = JCS_RGB;
  jpeg_set_defaults(&info);
  jpeg_set_colorspace(&info, kind.colours);
  jpeg_set_quality(&info, kind.quality, TRUE);
  if (kind.colours == JCS_YCbCr) {
    info.comp_info[0].h_samp_factor = kind.luma_h;
    info.comp_info[0].v_samp_factor = kind.luma_v;
  }
  std::array<jpeg_scan_info, 3> scans{};
  for (int i = 0; i < 3; ++i) scans.at(static_cast<std::size_t>(i)) = {1, {i, 0, 0, 0}, 0, 63, 0, 0};
  if (kind.one_scan_a_component) {
    info.scan_info = scans.data();
    info.num_scans = 3;
  }
  if (kind.progressive) jpeg_simple_progression(&info);
  info.optimize_coding = kind.optimised ? TRUE : FALSE;
  info.arith_code = kind.arithmetic ? TRUE : FALSE;
  info.restart_interval = kind.restart_interval;
  jpeg_start_compress(&info, TRUE);
  for (int y = 0; y < image.height(); ++y) {
    auto* row = const_cast<JSAMPROW>(image.row(y).data());
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  const auto* bytes = reinterpret_cast<const std::byte*>(file);
  std::vector<std::byte> out(bytes, bytes + size);
  std::free(file);
  return out;
}

// Soft colours that compress to little.
inline RgbImage smooth_image(int width, int height) {
  RgbImage image(width, height);
  for (int y = 0; y < height; ++y) {
    const auto row = image.row(y);
    for (int x = 0; x < width; ++x) {
      const auto pixel = row.subspan(static_cast<std::size_t>(x) * 3, 3);
      pixel[0] = static_cast<std::uint8_t>(x * 255 / width);
      pixel[1] = static_cast<std::uint8_t>(y * 255 / height);
      pixel[2] = static_cast<std::uint8_t>((x + y) * 255 / (width + height));
    }
  }
  return image;
}

}  // namespace ft::testing
