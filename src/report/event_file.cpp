#include "ft/report/event_file.h"

#include <array>
#include <bit>
#include <cerrno>
#include <chrono>
#include <concepts>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "ft/base/error.h"
#include "ft/base/host.h"

#include "append_whole.h"

namespace ft {
namespace {

constexpr mode_t kFileMode = 0644;

// CRC-32C (Castagnoli), reflected; a byte at a time is plenty for a few hundred bytes a second.
constexpr std::array<std::uint32_t, 256> make_crc_table() {
  constexpr std::uint32_t kPolynomial = 0x82F63B78;
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < table.size(); ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? kPolynomial : 0);
    table[byte] = crc;
  }
  return table;
}

// Masked as TFRecord does, since the CRC of data that holds its own CRC is a poor check.
std::uint32_t masked_crc32c(std::string_view data) {
  constexpr auto kTable = make_crc_table();
  constexpr std::uint32_t kMaskDelta = 0xA282EAD8;
  std::uint32_t crc = 0xFFFFFFFF;
  for (const char c : data) crc = (crc >> 8U) ^ kTable[(crc ^ static_cast<unsigned char>(c)) & 0xFFU];
  return std::rotr(~crc, 15) + kMaskDelta;
}

template <std::unsigned_integral T>
void put_little_endian(std::string& out, T value) {
  for (unsigned byte = 0; byte < sizeof(T); ++byte) out += static_cast<char>((value >> (8 * byte)) & 0xFFU);
}

void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7U) out += static_cast<char>((value & 0x7FU) | 0x80U);
  out += static_cast<char>(value);
}

// The protobuf wire types that Event needs.
enum class WireType : unsigned { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

void put_key(std::string& out, unsigned field, WireType type) {
  put_varint(out, (field << 3U) | static_cast<unsigned>(type));
}

void put_bytes(std::string& out, unsigned field, std::string_view bytes) {
  put_key(out, field, WireType::kBytes);
  put_varint(out, bytes.size());
  out += bytes;
}

// message Event { double wall_time = 1; int64 step = 2; string file_version = 3; Summary summary = 5; }
std::string start_event(double wall_time) {
  std::string event;
  put_key(event, 1, WireType::kFixed64);
  put_little_endian(event, std::bit_cast<std::uint64_t>(wall_time));
  return event;
}

// message Summary { repeated Value value = 1; }  message Value { string tag = 1; float simple_value = 2; }
std::string scalar_summary(std::string_view tag, float value) {
  std::string entry;
  put_bytes(entry, 1, tag);
  put_key(entry, 2, WireType::kFixed32);
  put_little_endian(entry, std::bit_cast<std::uint32_t>(value));
  std::string summary;
  put_bytes(summary, 1, entry);
  return summary;
}

double seconds_since_1970() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

EventFile::EventFile(const std::filesystem::path& dir) {
  std::error_code failure;
  std::filesystem::create_directories(dir, failure);
  if (failure) throw DataError(fmt::format("cannot create {}: {}", dir.string(), failure.message()));

  const double now = seconds_since_1970();
  // TensorBoard wants "tfevents" in the name and reads files in the order of their names. The last number
  // keeps apart what one process starts within one second.
  for (int attempt = 0; !fd_; ++attempt) {
    path_ = dir / fmt::format("events.out.tfevents.{:010}.{}.{}.{}", static_cast<std::int64_t>(now),
                              host_name(), getpid(), attempt);
    fd_ = UniqueFd(open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, kFileMode));
    if (!fd_ && errno != EEXIST) throw_errno("create", path_.string());
  }
  std::string event = start_event(now);
  put_bytes(event, 3, "brain.Event:2");
  append_record(event);
}

void EventFile::add_scalar(std::string_view tag, double value, std::int64_t step, double wall_time) {
  std::string event = start_event(wall_time);
  put_key(event, 2, WireType::kVarint);
  put_varint(event, static_cast<std::uint64_t>(step));
  put_bytes(event, 5, scalar_summary(tag, static_cast<float>(value)));
  append_record(event);
}

void EventFile::append_record(std::string_view payload) {
  std::string length;
  put_little_endian(length, static_cast<std::uint64_t>(payload.size()));
  std::string record = length;
  put_little_endian(record, masked_crc32c(length));
  record += payload;
  put_little_endian(record, masked_crc32c(payload));
  append_whole(fd_.get(), record, path_);
}

}  // namespace ft
