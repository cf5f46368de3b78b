#include "zip_archive.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "ft/base/error.h"

#include "byte_reader.h"

namespace ft {
namespace {

constexpr std::uint32_t kLocalHeader = 0x04034b50;
constexpr std::uint32_t kDirectoryEntry = 0x02014b50;
constexpr std::uint32_t kZip64EndOfDirectory = 0x06064b50;
constexpr std::uint32_t kZip64Locator = 0x07064b50;
constexpr std::size_t kEndOfDirectorySize = 22;
constexpr std::size_t kZip64LocatorSize = 20;
constexpr std::size_t kLongestComment = 0xffff;
constexpr std::uint32_t kSeeZip64 = 0xffffffff;
constexpr std::uint16_t kZip64Extra = 1;
constexpr std::uint16_t kEncryptedFlag = 1;

// The end record is the last thing in the file but for a comment of unknown length, so look for it backwards.
std::size_t find_end_record(std::span<const std::byte> file, const ByteReader& reader) {
  const std::string_view text = as_text(file);
  const std::size_t from = file.size() - std::min(file.size(), kEndOfDirectorySize + kLongestComment);
  const std::size_t found = text.rfind("PK\x05\x06");
  if (found == std::string_view::npos || found < from || file.size() - found < kEndOfDirectorySize) {
    reader.fail("this zip archive has no table of contents",
                "the file was cut short; copy or download it again");
  }
  return found;
}

// A size or offset of 0xffffffff stands for a 64-bit one in the entry's extra fields, in this order.
void apply_zip64(std::span<const std::byte> extra_fields, const std::filesystem::path& path,
                 std::uint64_t file_offset, std::span<std::uint64_t*> values) {
  ByteReader extra(extra_fields, path, file_offset);
  while (extra.remaining() >= 4) {
    const auto id = extra.take_little_endian<std::uint16_t>();
    const auto size = extra.take_little_endian<std::uint16_t>();
    ByteReader field(extra.take(size), path, file_offset);
    if (id != kZip64Extra) continue;
    for (std::uint64_t* value : values) {
      if (*value == kSeeZip64) *value = field.take_little_endian<std::uint64_t>();
    }
  }
}

}  // namespace

ZipArchive::ZipArchive(std::span<const std::byte> file, const std::filesystem::path& path)
    : file_(file), path_(path) {
  ByteReader reader(file, path);
  const std::size_t end = find_end_record(file, reader);
  reader.seek(end + 10);
  std::uint64_t count = reader.take_little_endian<std::uint16_t>();
  reader.skip(4);
  std::uint64_t offset = reader.take_little_endian<std::uint32_t>();

  if (end >= kZip64LocatorSize) {
    reader.seek(end - kZip64LocatorSize);
    if (reader.take_little_endian<std::uint32_t>() == kZip64Locator) {
      reader.skip(4);
      reader.seek(reader.take_little_endian<std::uint64_t>());
      if (reader.take_little_endian<std::uint32_t>() != kZip64EndOfDirectory) {
        reader.fail("the zip64 table of contents is damaged");
      }
      reader.skip(28);
      count = reader.take_little_endian<std::uint64_t>();
      reader.skip(8);
      offset = reader.take_little_endian<std::uint64_t>();
    }
  }
  read_directory(offset, count);
}

void ZipArchive::read_directory(std::uint64_t offset, std::uint64_t count) {
  ByteReader reader(file_, path_);
  reader.seek(offset);
  for (std::uint64_t i = 0; i < count; ++i) {
    if (reader.take_little_endian<std::uint32_t>() != kDirectoryEntry) {
      reader.fail("the zip table of contents is damaged");
    }
    reader.skip(4);
    const auto flags = reader.take_little_endian<std::uint16_t>();
    const auto method = reader.take_little_endian<std::uint16_t>();
    reader.skip(8);
    Location entry;
    entry.stored_size = reader.take_little_endian<std::uint32_t>();
    entry.size = reader.take_little_endian<std::uint32_t>();
    const auto name_size = reader.take_little_endian<std::uint16_t>();
    const auto extra_size = reader.take_little_endian<std::uint16_t>();
    const auto comment_size = reader.take_little_endian<std::uint16_t>();
    reader.skip(8);
    entry.header_offset = reader.take_little_endian<std::uint32_t>();
    const std::string name(reader.take_text(name_size));
    const std::size_t extra_offset = reader.position();
    std::array<std::uint64_t*, 3> values{&entry.size, &entry.stored_size, &entry.header_offset};
    apply_zip64(reader.take(extra_size), path_, extra_offset, values);
    reader.skip(comment_size);
    entry.compressed = method != 0 || (flags & kEncryptedFlag) != 0 || entry.stored_size != entry.size;
    const std::size_t slash = name.rfind('/');
    if (slash != std::string::npos) entry.folder = name.substr(0, slash);
    entries_.insert_or_assign(name, std::move(entry));
  }
}

ZipArchive::Entry ZipArchive::open(std::string_view name) const {
  const auto found = entries_.find(name);
  if (found == entries_.end()) {
    throw DataError(fmt::format("{}: the archive has no entry '{}'", path_.string(), name),
                    "the file is incomplete; copy or download it again");
  }
  const Location& location = found->second;
  ByteReader reader(file_, path_);
  reader.seek(location.header_offset);
  if (location.compressed) {
    reader.fail(fmt::format("the entry '{}' is compressed or encrypted; torch.save stores it plainly", name),
                "the archive was packed again by another program; save it again with torch.save");
  }
  if (reader.take_little_endian<std::uint32_t>() != kLocalHeader) {
    reader.fail(fmt::format("the entry '{}' is not where the table of contents says", name));
  }
  reader.skip(22);
  const auto name_size = reader.take_little_endian<std::uint16_t>();
  const auto extra_size = reader.take_little_endian<std::uint16_t>();
  reader.skip(std::uint64_t{name_size} + extra_size);
  const std::uint64_t start = reader.position();
  return {reader.take(location.size), start};
}

const std::string* ZipArchive::folder_of(std::string_view file_name) const {
  for (const auto& [name, entry] : entries_) {
    if (name.size() == entry.folder.size() + 1 + file_name.size() && name.ends_with(file_name) &&
        entry.folder.find('/') == std::string::npos && !entry.folder.empty()) {
      return &entry.folder;
    }
  }
  return nullptr;
}

}  // namespace ft
