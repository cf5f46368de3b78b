#include "importers/exif.h"

#include <array>

#include "importers/byte_cursor.h"

namespace ft::importers {
namespace {

constexpr std::uint32_t kOrientationTag = 0x0112;
constexpr std::size_t kEntryBytes = 12;
enum FieldType : std::uint32_t { kShort = 3, kLong = 4 };

struct Endian {
  bool big;
  [[nodiscard]] std::uint32_t u16(Bytes at) const { return big ? load_be16(at) : load_le16(at); }
  [[nodiscard]] std::uint32_t u32(Bytes at) const { return big ? load_be32(at) : load_le32(at); }
};

std::uint32_t entry_value(const Endian& endian, Bytes entry) {
  switch (endian.u16(entry.subspan(2))) {
    case kShort:
      return endian.u16(entry.subspan(8));
    case kLong:
      return endian.u32(entry.subspan(8));
    default:
      return 0;
  }
}

}  // namespace

bool asks_for_orientation(Bytes block) {
  constexpr std::array<std::uint8_t, 6> kPrefix{'E', 'x', 'i', 'f', 0, 0};
  if (block.size() >= kPrefix.size() && std::equal(kPrefix.begin(), kPrefix.end(), block.begin())) {
    block = block.subspan(kPrefix.size());
  }
  if (block.size() < 8 || block[0] != block[1] || (block[0] != 'I' && block[0] != 'M')) return false;
  const Endian endian{.big = block[0] == 'M'};
  const std::size_t directory = endian.u32(block.subspan(4));
  if (directory + 2 > block.size()) return false;

  const std::size_t count = endian.u16(block.subspan(directory));
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t at = directory + 2 + i * kEntryBytes;
    if (at + kEntryBytes > block.size()) return false;
    const Bytes entry = block.subspan(at, kEntryBytes);
    if (endian.u16(entry) != kOrientationTag) continue;
    const std::uint32_t orientation = entry_value(endian, entry);
    return orientation >= 2 && orientation <= 8;
  }
  return false;
}

}  // namespace ft::importers
