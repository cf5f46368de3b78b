#include <bit>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ft/base/error.h"
#include "ft/base/file.h"
#include "ft/report/event_file.h"

#include "temporary_directory.h"

namespace ft {
namespace {

// An independent reader: bitwise CRC, and a protobuf parser that knows nothing of the messages.

std::uint32_t crc32c(std::string_view data) {
  std::uint32_t crc = ~0U;
  for (const char c : data) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1U) != 0 ? (crc >> 1U) ^ 0x82F63B78U : crc >> 1U;
  }
  return ~crc;
}

std::uint32_t unmask(std::uint32_t masked) {
  const std::uint32_t rotated = masked - 0xA282EAD8U;
  return (rotated >> 17U) | (rotated << 15U);
}

template <typename T>
T take(std::string_view& data) {
  T value{};
  EXPECT_GE(data.size(), sizeof value);
  if (data.size() < sizeof value) return value;
  std::memcpy(&value, data.data(), sizeof value);
  data.remove_prefix(sizeof value);
  return value;
}

std::uint64_t take_varint(std::string_view& data) {
  std::uint64_t value = 0;
  for (unsigned shift = 0;; shift += 7) {
    const auto byte = take<std::uint8_t>(data);
    value |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
    if ((byte & 0x80U) == 0) return value;
  }
}

// Field number -> raw value; bytes for length-delimited ones.
struct Message {
  std::map<std::uint64_t, std::uint64_t> numbers;
  std::map<std::uint64_t, std::string> bytes;
};

Message parse_message(std::string_view data) {
  Message message;
  while (!data.empty()) {
    const std::uint64_t key = take_varint(data);
    switch (key & 7U) {
      case 0:
        message.numbers[key >> 3U] = take_varint(data);
        break;
      case 1:
        message.numbers[key >> 3U] = take<std::uint64_t>(data);
        break;
      case 5:
        message.numbers[key >> 3U] = take<std::uint32_t>(data);
        break;
      case 2: {
        const std::uint64_t size = take_varint(data);
        message.bytes[key >> 3U] = data.substr(0, size);
        data.remove_prefix(size);
        break;
      }
      default:
        ADD_FAILURE() << "wire type " << (key & 7U);
        return message;
    }
  }
  return message;
}

std::vector<Message> parse_records(std::string_view data) {
  std::vector<Message> messages;
  while (!data.empty()) {
    const std::string_view length_bytes = data.substr(0, 8);
    const auto length = take<std::uint64_t>(data);
    EXPECT_EQ(unmask(take<std::uint32_t>(data)), crc32c(length_bytes));
    EXPECT_LE(length + 4, data.size());
    if (length + 4 > data.size()) break;
    const std::string_view payload = data.substr(0, length);
    data.remove_prefix(length);
    EXPECT_EQ(unmask(take<std::uint32_t>(data)), crc32c(payload));
    messages.push_back(parse_message(payload));
  }
  return messages;
}

TEST(EventFile, TheReaderItselfKnowsCrc32c) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283U);  // the check value of CRC-32C
}

TEST(EventFile, StartsWithTheVersionThenHoldsTheScalars) {
  const TemporaryDirectory dir;
  EventFile events(dir.path() / "tensorboard");
  events.add_scalar("train/loss", 0.3125, 1, 1700000000.5);
  events.add_scalar("test/acc", 0.943, 300, 1700000001.25);

  const auto records = parse_records(read_text_file(events.path()));
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(records[0].bytes.at(3), "brain.Event:2");
  EXPECT_GT(std::bit_cast<double>(records[0].numbers.at(1)), 1.6e9);

  const Message& second = records[2];
  EXPECT_EQ(std::bit_cast<double>(second.numbers.at(1)), 1700000001.25);
  EXPECT_EQ(second.numbers.at(2), 300U);
  const Message value = parse_message(parse_message(second.bytes.at(5)).bytes.at(1));
  EXPECT_EQ(value.bytes.at(1), "test/acc");
  EXPECT_EQ(std::bit_cast<float>(static_cast<std::uint32_t>(value.numbers.at(2))), 0.943F);
}

TEST(EventFile, NamesAreWhatTensorBoardLooksForAndNeverMeet) {
  const TemporaryDirectory dir;
  const EventFile a(dir.path());
  const EventFile b(dir.path());
  EXPECT_THAT(a.path().filename().string(), testing::StartsWith("events.out.tfevents."));
  EXPECT_NE(a.path(), b.path());
}

TEST(EventFile, ADirectoryThatCannotBeMadeIsNamed) {
  try {
    const EventFile events("/dev/null/tensorboard");
    FAIL() << "no error";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("/dev/null/tensorboard"));
  }
}

}  // namespace
}  // namespace ft
