// make_corpus DIR: the fuzzers' first inputs, one folder a fuzzer. Small pictures of every container and of
// the kinds of JPEG that differ in code: without them a fuzzer would first have to invent a file header.
#include <array>
#include <cstdio>  // jpeglib.h needs it
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <jpeglib.h>
#include <tiffio.h>
#include <webp/encode.h>

#include "ft/data/manifest.h"

#include "import_support.h"
#include "tiny_jpegs.h"

namespace ft::testing {
namespace {

namespace fs = std::filesystem;

constexpr int kWidth = 37;
constexpr int kHeight = 29;

std::vector<std::uint8_t> pattern(int channels, int width = kWidth) {
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(width * kHeight * channels));
  for (std::size_t i = 0; i < pixels.size(); ++i)
    pixels[i] = static_cast<std::uint8_t>(i * i / 7 + i % 5 * 9);
  return pixels;
}

void save(const fs::path& path, std::string_view bytes) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

std::string text_of(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string jpeg(int channels, const std::function<void(jpeg_compress_struct&)>& set_up, int width = kWidth) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;  // NOLINT(google-runtime-int): the library's type
  jpeg_mem_dest(&info, &bytes, &size);
  info.image_width = static_cast<JDIMENSION>(width);
  info.image_height = kHeight;
  info.input_components = channels;
  constexpr std::array kSpaces{JCS_UNKNOWN, JCS_GRAYSCALE, JCS_UNKNOWN, JCS_RGB, JCS_CMYK};
  info.in_color_space = kSpaces.at(static_cast<std::size_t>(channels));
  jpeg_set_defaults(&info);
  set_up(info);
  jpeg_start_compress(&info, TRUE);
  std::vector<std::uint8_t> pixels = pattern(channels, width);
  while (info.next_scanline < info.image_height) {
    JSAMPROW row = &pixels[info.next_scanline * static_cast<std::size_t>(width * channels)];
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  std::string out(reinterpret_cast<const char*>(bytes), size);
  jpeg_destroy_compress(&info);
  std::free(bytes);  // NOLINT(cppcoreguidelines-no-malloc): libjpeg's malloc
  return out;
}

// A progressive file that ends after `scans` of its scans: libjpeg smooths what is missing.
std::string cut_behind(const std::string& file, int scans) {
  std::size_t at = 0;
  for (int i = 0; i <= scans; ++i) at = file.find("\xFF\xDA", at + 1);
  return file.substr(0, at) + "\xFF\xD9";
}

std::vector<std::pair<std::string, std::string>> jpegs() {
  const auto full_colour = [](jpeg_compress_struct& info) {
    info.comp_info[0].h_samp_factor = info.comp_info[0].v_samp_factor = 1;
  };
  const auto wide_chroma = [](jpeg_compress_struct& info) {
    info.comp_info[0].h_samp_factor = 4;
    info.comp_info[0].v_samp_factor = 1;
  };
  const std::string early = jpeg(
      3, [](jpeg_compress_struct& info) { jpeg_simple_progression(&info); }, 293);
  const std::string early_wide = jpeg(
      3,
      [&wide_chroma](jpeg_compress_struct& info) {
        wide_chroma(info);
        jpeg_simple_progression(&info);
      },
      590);
  return {{"early1", cut_behind(early, 1)},
          {"early4", cut_behind(early, 4)},
          {"early1-wide", cut_behind(early_wide, 1)},
          {"wide", jpeg(3, wide_chroma, 293)},
          {"rgb", text_of(bytes_of_hex(kTinyRgbJpeg))},
          {"grey", text_of(bytes_of_hex(kTinyGreyJpeg))},
          {"420", jpeg(3, [](jpeg_compress_struct&) {})},
          {"444", jpeg(3, full_colour)},
          {"422", jpeg(3, [](jpeg_compress_struct& info) { info.comp_info[0].v_samp_factor = 1; })},
          {"restarts", jpeg(3, [](jpeg_compress_struct& info) { info.restart_interval = 1; })},
          {"rows", jpeg(3, [](jpeg_compress_struct& info) { info.restart_in_rows = 1; })},
          {"progressive", jpeg(3, [](jpeg_compress_struct& info) { jpeg_simple_progression(&info); })},
          {"arithmetic", jpeg(3, [](jpeg_compress_struct& info) { info.arith_code = TRUE; })},
          {"cmyk", jpeg(4, [](jpeg_compress_struct&) {})}};
}

std::string tiff(const fs::path& scratch, std::uint16_t compression, bool tiled) {
  const std::unique_ptr<TIFF, decltype(&TIFFClose)> file(TIFFOpen(scratch.c_str(), "w"), &TIFFClose);
  TIFFSetField(file.get(), TIFFTAG_IMAGEWIDTH, kWidth);
  TIFFSetField(file.get(), TIFFTAG_IMAGELENGTH, kHeight);
  TIFFSetField(file.get(), TIFFTAG_BITSPERSAMPLE, 8);
  TIFFSetField(file.get(), TIFFTAG_SAMPLESPERPIXEL, 3);
  TIFFSetField(file.get(), TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_RGB);
  TIFFSetField(file.get(), TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
  TIFFSetField(file.get(), TIFFTAG_COMPRESSION, compression);
  std::vector<std::uint8_t> pixels = pattern(3);
  if (tiled) {
    TIFFSetField(file.get(), TIFFTAG_TILEWIDTH, 16);
    TIFFSetField(file.get(), TIFFTAG_TILELENGTH, 16);
    for (std::uint32_t y = 0; y < kHeight; y += 16) {
      for (std::uint32_t x = 0; x < kWidth; x += 16) TIFFWriteTile(file.get(), pixels.data(), x, y, 0, 0);
    }
  } else {
    TIFFSetField(file.get(), TIFFTAG_ROWSPERSTRIP, 10);
    for (std::uint32_t y = 0; y < kHeight; ++y)
      TIFFWriteScanline(file.get(), &pixels[std::size_t{y} * kWidth * 3], y, 0);
  }
  TIFFFlush(file.get());
  std::ifstream in(scratch, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(in), {}};
  fs::remove(scratch);
  return bytes;
}

std::string webp(bool lossless) {
  const std::vector<std::uint8_t> pixels = pattern(3);
  std::uint8_t* bytes = nullptr;
  const std::size_t size = lossless
                               ? WebPEncodeLosslessRGB(pixels.data(), kWidth, kHeight, 3 * kWidth, &bytes)
                               : WebPEncodeRGB(pixels.data(), kWidth, kHeight, 3 * kWidth, 70, &bytes);
  std::string out(reinterpret_cast<const char*>(bytes), size);
  WebPFree(bytes);
  return out;
}

std::string adam7_png() {
  std::string file = grey_png(8, 8);
  const std::string layout{8, 0, 0, 0, 1};
  file = std::string(kPngSignature) + png_chunk("IHDR", big_endian(8) + big_endian(8) + layout) +
         png_chunk("IDAT", packed(std::string(64 + 15, '\0'))) + png_chunk("IEND", "");
  return file;
}

void write_importer_inputs(const fs::path& to) {
  for (const auto& [name, bytes] : jpegs()) save(to / (name + ".jpg"), bytes);
  save(to / "grey.png", grey_png(7, 5));
  save(to / "adam7.png", adam7_png());
  const std::string key("key\0\0", 5);
  save(to / "text.png",
       grey_png(3, 3, png_chunk("zTXt", key + packed("words")) + png_chunk("iCCP", key + packed("profile"))));
  save(to / "small.bmp", bmp(3, 2, std::string(24, 'x')));
  save(to / "small.gif", gif(2, 2, kGifPixels));
  save(to / "lossless.webp", webp(true));
  save(to / "lossy.webp", webp(false));
  const fs::path scratch = to / "scratch";
  save(to / "plain.tif", tiff(scratch, COMPRESSION_NONE, false));
  save(to / "lzw.tif", tiff(scratch, COMPRESSION_LZW, false));
  save(to / "deflate_tiles.tif", tiff(scratch, COMPRESSION_ADOBE_DEFLATE, true));
  save(to / "packbits.tif", tiff(scratch, COMPRESSION_PACKBITS, false));
}

std::string manifest_text() {
  Manifest manifest;
  manifest.classes = {"no", "yes"};
  manifest.counts = {1, 2};
  manifest.packed_with = {{"shard_mib", 128}};
  for (std::uint32_t i = 0; i < 2; ++i) {
    manifest.shards.push_back({.file = shard_file_name(i, 2),
                               .bytes = 4096,
                               .samples = i + 1,
                               .xxh3_128 = "aa",
                               .tables_xxh3_128 = "bb",
                               .payload = {.begin = 2048, .bytes = 10},
                               .metadata_xxh3_128 = "cc"});
  }
  manifest.converted = {{"no/x.gif", "GIF P -> RGB"}};
  manifest.skipped = {{"no/y.psd", "unsupported: PSD"}};
  manifest.fingerprint = compute_fingerprint(manifest);
  return to_json_text(manifest);
}

void write_all_inputs(const fs::path& to) {
  for (const auto& [name, bytes] : jpegs()) {
    save(to / "jpeg" / name, bytes + std::string("\0\x40\5\x20\7\0\0\0", 8));
    save(to / "jpeg" / (name + "-wrong-size"), bytes + std::string("\x45\0\0\0\0\0\0\0", 8));
  }
  write_importer_inputs(to / "importers");
  save(to / "idx" / "plain",
       std::string("\0\0\x08\3", 4) + big_endian(2) + big_endian(2) + big_endian(3) + "abcdefghijkl");
  save(to / "manifest" / "whole", manifest_text());
  save(to / "shard" / "flip", std::string("D\0\1\0x\1", 6));
  save(to / "shard" / "cut", std::string("D\0\1\0c\0", 6));
  save(to / "shard" / "longer", std::string("D\0\1\0l\1", 6));
  save(to / "shard" / "tables", "N" + std::string(300, '\1'));
}

}  // namespace
}  // namespace ft::testing

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: make_corpus DIR\n", stderr);
    return 2;
  }
  ft::testing::write_all_inputs(argv[1]);
  return 0;
}
