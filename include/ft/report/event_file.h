// The files that TensorBoard reads, scalars only. Records are framed as TFRecords: length (u64), masked
// CRC32C of the length, payload, masked CRC32C of the payload, all little-endian. A payload is a protobuf
// `tensorflow.Event`, of which four fields are needed; they are written by hand rather than through a
// library.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "ft/base/file.h"

namespace ft {

class EventFile {
 public:
  // Creates a new file in `dir` (made if missing): each start of a run adds one, and TensorBoard joins them.
  // Throws DataError.
  explicit EventFile(const std::filesystem::path& dir);

  // `wall_time`: seconds since 1970. DataError on a full disk; then no part of the record is left.
  void add_scalar(std::string_view tag, double value, std::int64_t step, double wall_time);

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  void append_record(std::string_view payload);

  std::filesystem::path path_;
  UniqueFd fd_;
};

}  // namespace ft
