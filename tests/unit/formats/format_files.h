// Small weights files, built byte by byte.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "ft/base/error.h"
#include "ft/model/formats/tensor_file.h"

namespace ft::test {

inline std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

inline void write_bytes(const std::filesystem::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

template <typename Integer>
std::string little_endian(Integer value) {
  std::string bytes(sizeof value, '\0');
  for (char& byte : bytes) {
    byte = static_cast<char>(value & 0xff);
    value = static_cast<Integer>(value >> 8);
  }
  return bytes;
}

inline std::string join(std::initializer_list<std::string_view> parts) {
  std::string whole;
  for (const std::string_view part : parts) whole += part;
  return whole;
}

// A zip archive of stored entries, without checksums.
inline std::string stored_zip(const std::vector<std::pair<std::string, std::string>>& entries,
                              std::uint16_t method = 0) {
  std::string file;
  std::string directory;
  for (const auto& [name, bytes] : entries) {
    const auto size = static_cast<std::uint32_t>(bytes.size());
    const auto offset = static_cast<std::uint32_t>(file.size());
    const std::string common = little_endian<std::uint16_t>(20) + little_endian<std::uint16_t>(0) +
                               little_endian(method) + little_endian<std::uint32_t>(0) +
                               little_endian<std::uint32_t>(0) + little_endian(size) + little_endian(size) +
                               little_endian(static_cast<std::uint16_t>(name.size())) +
                               little_endian<std::uint16_t>(0);
    file += "PK\x03\x04" + common + name + bytes;
    directory += "PK\x01\x02" + little_endian<std::uint16_t>(20) + common + std::string(10, '\0') +
                 little_endian(offset) + name;
  }
  const auto count = static_cast<std::uint16_t>(entries.size());
  return file + directory + "PK\x05\x06" + std::string(4, '\0') + little_endian(count) +
         little_endian(count) + little_endian(static_cast<std::uint32_t>(directory.size())) +
         little_endian(static_cast<std::uint32_t>(file.size())) + std::string(2, '\0');
}

// A torch archive around a pickle and one storage, "0".
inline std::string torch_zip(std::string_view pickled, std::string_view storage = {}) {
  return stored_zip({{"weights/data.pkl", std::string(pickled)},
                     {"weights/byteorder", "little"},
                     {"weights/data/0", std::string(storage)}});
}

// What the DataError says when `path` is read.
inline std::string refusal(const std::filesystem::path& path) {
  try {
    (void)read_tensor_file(path);
  } catch (const DataError& error) {
    return error.what();
  }
  ADD_FAILURE() << path << " was read without complaint";
  return {};
}

}  // namespace ft::test
