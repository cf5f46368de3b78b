#include "byte_reader.h"

#include <fmt/format.h>

#include "ft/base/error.h"

namespace ft {

void ByteReader::seek(std::uint64_t position) {
  if (position > bytes_.size()) {
    fail(fmt::format("byte {} is wanted, but there are only {}", position, bytes_.size()),
         "the file was cut short; copy or download it again");
  }
  position_ = static_cast<std::size_t>(position);
  last_read_ = position_;
}

std::span<const std::byte> ByteReader::take(std::uint64_t count) {
  last_read_ = position_;
  if (count > remaining()) {
    fail(fmt::format("{} bytes are wanted, but only {} are left", count, remaining()),
         "the file was cut short; copy or download it again");
  }
  const auto taken = bytes_.subspan(position_, static_cast<std::size_t>(count));
  position_ += taken.size();
  return taken;
}

std::string_view ByteReader::take_text(std::uint64_t count) {
  return as_text(take(count));
}

std::string_view ByteReader::take_line() {
  last_read_ = position_;
  const std::string_view rest = as_text(bytes_.subspan(position_));
  const std::size_t end = rest.find('\n');
  if (end == std::string_view::npos) fail("a line has no end");
  position_ += end + 1;
  return rest.substr(0, end);
}

void ByteReader::fail(const std::string& what, const std::string& hint) const {
  throw DataError(fmt::format("{}: {} (at byte {})", path_.string(), what, file_offset_ + last_read_), hint);
}

}  // namespace ft
