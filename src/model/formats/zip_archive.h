// The table of contents of a zip archive, as torch.save writes it: entries stored without compression, so
// that their bytes can be used where they lie. APPNOTE.TXT 6.3.10 of PKWARE is the reference.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace ft {

class ZipArchive {
 public:
  struct Entry {
    std::span<const std::byte> bytes;
    std::uint64_t file_offset = 0;
  };

  // `file` and `path` outlive the archive. Sizes come from the central directory, which is also right where
  // an entry was streamed and its size follows it in a data descriptor. Checksums are not compared:
  // torch.serialization.set_crc32_options(False) writes archives whose checksums are wrong on purpose.
  ZipArchive(std::span<const std::byte> file, const std::filesystem::path& path);

  [[nodiscard]] bool contains(std::string_view name) const { return entries_.contains(name); }
  // DataError for a name that is not there and for a compressed entry.
  [[nodiscard]] Entry open(std::string_view name) const;

  // The folder that holds `file_name` ("archive" for "archive/data.pkl"), or nullptr.
  [[nodiscard]] const std::string* folder_of(std::string_view file_name) const;

 private:
  struct Location {
    std::uint64_t header_offset = 0;
    std::uint64_t stored_size = 0;
    std::uint64_t size = 0;
    bool compressed = false;
    std::string folder;
  };

  void read_directory(std::uint64_t offset, std::uint64_t count);

  std::span<const std::byte> file_;
  const std::filesystem::path& path_;
  std::map<std::string, Location, std::less<>> entries_;
};

}  // namespace ft
