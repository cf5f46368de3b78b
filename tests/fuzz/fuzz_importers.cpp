// Packing any file, with and without restart markers, gives what training sees as it was, or an ImportError
// of one line.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string_view>

#include <zlib.h>

#include "ft/base/error.h"

#include "importers/byte_cursor.h"
#include "payload_encoding.h"

// libFuzzer's.
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

namespace {

constexpr std::size_t kMostBytes = 1U << 20U;
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

bool is_large(std::uint64_t width, std::uint64_t height) {
  return width < kMostBytes && height < kMostBytes && 3 * width * height > kMostBytes;
}

// Blank pictures of a hundred megabytes are within the limits, and would take all of the fuzzer's time.
bool is_mostly_blank(std::span<const std::uint8_t> file) {
  using namespace ft::importers;
  if (file.size() < 24) return false;
  if (std::memcmp(file.data(), kPngSignature.data(), kPngSignature.size()) == 0) {
    return is_large(load_be32(file, 16), load_be32(file, 20));
  }
  if (std::memcmp(file.data(), "GIF8", 4) != 0) return false;
  const auto frame = std::find(file.begin() + 13, file.end(), std::uint8_t{','});
  std::uint64_t right = 0;
  std::uint64_t bottom = 0;
  if (file.end() - frame > 8) {
    const auto at = static_cast<std::size_t>(frame - file.begin());
    right = load_le16(file, at + 1) + load_le16(file, at + 5);
    bottom = load_le16(file, at + 3) + load_le16(file, at + 7);
  }
  return is_large(std::max<std::uint64_t>(right, load_le16(file, 6)),
                  std::max<std::uint64_t>(bottom, load_le16(file, 8)));
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
  if (is_mostly_blank({data, size})) return 0;
  const std::span<const std::byte> file = std::as_bytes(std::span(data, size));
  ft::RgbImage pixels;
  ft::EncodedImage stored;
  try {
    ft::ImportedImage imported = ft::import_image(file);
    if (imported.pixels.pixels().size() > kMostBytes) return 0;  // encoding it shows nothing new, slowly
    pixels = imported.pixels;
    stored = ft::encode_image(std::move(imported), {.restart_index = size % 2 != 0});
  } catch (const ft::ImportError& error) {
    if (std::strchr(error.what(), '\n') != nullptr) std::abort();
    return 0;
  }
  // What the packer let through, the trainer must take, and see as it was: an exception here is a crash.
  static ft::Decoder decoder;
  const ft::Box whole{0, 0, pixels.width(), pixels.height()};
  const ft::RgbView view = decoder.decode(
      {stored.codec, stored.payload, {pixels.width(), pixels.height()}, stored.restart_offset}, whole);
  if (!view.box.contains(whole)) std::abort();
  for (int y = 0; y < pixels.height(); ++y) {
    const auto expected = pixels.row(y);
    const std::uint8_t* found = view.data + view.stride * static_cast<std::size_t>(y - view.box.top) -
                                std::ptrdiff_t{3} * view.box.left;
    if (!std::equal(expected.begin(), expected.end(), found)) std::abort();
  }
  return 0;
}
