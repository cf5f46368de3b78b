// What the importers make of files, for test_importers.py: reads lines of "file<TAB>where to put the pixels"
// from stdin and answers each with "ok<TAB>width<TAB>height<TAB>codec<TAB>converted<TAB>exif_oriented", the
// pixels being what training would decode from the stored payload, or with "refused<TAB>reason".
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

#include <fmt/format.h>

#include "ft/base/file.h"
#include "ft/data/codec.h"

#include "importers/import_image.h"
#include "payload_encoding.h"

namespace {

std::string answer(const std::filesystem::path& file, const std::filesystem::path& pixels) {
  ft::EncodedImage stored;
  try {
    stored = ft::encode_image(ft::import_image(ft::read_file(file)), {});
  } catch (const ft::ImportError& error) {
    return fmt::format("refused\t{}", error.what());
  }
  ft::RgbImage image;
  ft::decode_rgb(stored.codec, stored.payload, stored.width, stored.height, image);
  std::ofstream out(pixels, std::ios::binary);
  const auto bytes = std::as_bytes(image.pixels());
  out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  return fmt::format("ok\t{}\t{}\t{}\t{}\t{}", stored.width, stored.height, static_cast<int>(stored.codec),
                     stored.converted, stored.exif_oriented ? 1 : 0);
}

}  // namespace

int main() {
  std::string line;
  while (std::getline(std::cin, line)) {
    const std::size_t tab = line.find('\t');
    std::cout << answer(line.substr(0, tab), line.substr(tab + 1)) << std::endl;
  }
  return 0;
}
