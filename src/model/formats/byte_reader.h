// A cursor over bytes from a file that may be damaged or hostile: every read is checked, and every complaint
// names the file and the offset in it.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace ft {

static_assert(std::endian::native == std::endian::little, "tensor bytes are taken as they lie in the file");

class ByteReader {
 public:
  // `bytes` lie at `file_offset` of the file `path`, which outlives the reader.
  ByteReader(std::span<const std::byte> bytes, const std::filesystem::path& path,
             std::uint64_t file_offset = 0)
      : bytes_(bytes), path_(path), file_offset_(file_offset) {}

  [[nodiscard]] std::size_t position() const noexcept { return position_; }
  [[nodiscard]] std::size_t remaining() const noexcept { return bytes_.size() - position_; }
  void seek(std::uint64_t position);
  void skip(std::uint64_t count) { (void)take(count); }

  [[nodiscard]] std::span<const std::byte> take(std::uint64_t count);
  [[nodiscard]] std::string_view take_text(std::uint64_t count);
  // Up to the next '\n', which is passed over.
  [[nodiscard]] std::string_view take_line();

  template <typename Integer>
  [[nodiscard]] Integer take_little_endian() {
    Integer value{};
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }

  // DataError "<path>: <what> (at byte <offset>)"; the offset is where the last read began.
  [[noreturn]] void fail(const std::string& what, const std::string& hint = {}) const;

 private:
  std::span<const std::byte> bytes_;
  const std::filesystem::path& path_;
  std::uint64_t file_offset_;
  std::size_t position_ = 0;
  std::size_t last_read_ = 0;
};

[[nodiscard]] inline std::string_view as_text(std::span<const std::byte> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace ft
