// Payloads on their way from import to their shard. Which shard and row a sample gets is known when all have
// been imported, and they need not fit in memory: they wait in files, one a rank and try, which cost the
// set's size in disk space until the set is made. Where it is known earlier: early_shards.h.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "ft/base/file.h"

namespace ft {

// A spool's number says which try and which rank wrote it.
[[nodiscard]] constexpr std::uint32_t spool_number(std::uint32_t attempt, int rank) noexcept {
  return attempt << 16U | static_cast<std::uint32_t>(rank);
}
inline constexpr std::uint32_t kMostAttempts = 0xffff;
[[nodiscard]] std::string spool_name(std::uint32_t number);

class SpoolWriter {
 public:
  // Creates the file; throws DataError, as all of it does.
  SpoolWriter(const std::filesystem::path& directory, std::uint32_t number);

  [[nodiscard]] std::uint32_t number() const noexcept { return number_; }
  // Writes both, one after the other, behind what is there; returns where they begin. Thread-safe.
  std::uint64_t append(std::span<const std::byte> bytes, std::span<const std::byte> more = {});
  // Makes what was appended visible to the other nodes.
  void flush();

 private:
  std::filesystem::path path_;
  std::uint32_t number_;
  UniqueFd fd_;
  std::atomic<std::uint64_t> end_{0};
};

// Reads all spools of a directory. Thread-safe.
class SpoolReader {
 public:
  explicit SpoolReader(std::filesystem::path directory) : directory_(std::move(directory)) {}

  // Fills `buffer` from there. DataError when the file is missing or shorter.
  void read(std::uint32_t spool, std::uint64_t begin, std::span<std::byte> buffer) const;

 private:
  [[nodiscard]] std::shared_ptr<const UniqueFd> file(std::uint32_t spool) const;

  std::filesystem::path directory_;
  mutable std::mutex mutex_;
  mutable std::map<std::uint32_t, std::shared_ptr<const UniqueFd>> open_;  // the last few that were read
};

}  // namespace ft
