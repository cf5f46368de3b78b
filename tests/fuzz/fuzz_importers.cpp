// Packing any file gives what training can read back, or an ImportError of one line.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string_view>

#include <zlib.h>

#include "ft/base/error.h"

#include "importers/byte_cursor.h"
#include "importers/import_image.h"

// libFuzzer's.
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

namespace {

constexpr std::string_view kPngSignature = "\x89PNG\r\n\x1a\n";

// Gives every chunk of a PNG the checksum that it should have: no random change gets past a wrong one.
void repair_png(std::span<std::uint8_t> file) {
  std::size_t at = kPngSignature.size();
  while (file.size() >= at + 12) {
    const std::size_t length = ft::importers::load_be32(file, at);
    if (length > file.size() - at - 12) return;
    const uLong checksum = crc32_z(0, &file[at + 4], length + 4);
    for (unsigned i = 0; i < 4; ++i)
      file[at + 8 + length + i] = static_cast<std::uint8_t>(checksum >> (24 - 8 * i));
    at += length + 12;
  }
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most,
                                               unsigned seed) {
  const std::size_t changed = LLVMFuzzerMutate(data, size, most);
  const bool png =
      changed >= kPngSignature.size() && std::memcmp(data, kPngSignature.data(), kPngSignature.size()) == 0;
  if (png && seed % 8 != 0) repair_png({data, changed});
  return changed;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::byte> file = std::as_bytes(std::span(data, size));
  ft::ImportedImage imported;
  try {
    imported = ft::import_image(file);
  } catch (const ft::ImportError& error) {
    if (std::strchr(error.what(), '\n') != nullptr) std::abort();
    return 0;
  }
  // What the packer let through, the trainer must take: an exception here is a crash.
  ft::RgbImage image;
  ft::decode_rgb(imported.codec, imported.payload, imported.width, imported.height, image);
  return 0;
}
