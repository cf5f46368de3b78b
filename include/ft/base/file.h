// Reading files without surprises: owned descriptors, whole reads, read-only maps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace ft {

// Owns a POSIX file descriptor.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) noexcept : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept;
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd();

  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] explicit operator bool() const noexcept { return fd_ >= 0; }
  // Closes now and throws DataError if the system reports a late write error.
  void close(const std::filesystem::path& path);

 private:
  int fd_ = -1;
};

// Throws DataError naming the path.
[[nodiscard]] UniqueFd open_for_reading(const std::filesystem::path& path);

// Reads exactly `out.size()` bytes at `offset`, whatever the kernel splits; a short file is a DataError.
// Thread-safe on one descriptor.
void pread_exact(int fd, std::span<std::byte> out, std::uint64_t offset, const std::filesystem::path& path);

// Writes all of `data` at the descriptor's position; DataError on a full disk and its kind.
void write_all(int fd, std::span<const std::byte> data, const std::filesystem::path& path);
// The same at `offset`. Thread-safe on one descriptor.
void pwrite_all(int fd, std::span<const std::byte> data, std::uint64_t offset,
                const std::filesystem::path& path);

[[nodiscard]] std::vector<std::byte> read_file(const std::filesystem::path& path);
[[nodiscard]] std::string read_text_file(const std::filesystem::path& path);

// A whole file mapped read-only. The pages stay valid while this object lives.
// A file that shrinks while it is mapped raises SIGBUS at the next touch, so map only what nobody rewrites.
class MappedFile {
 public:
  MappedFile() = default;
  explicit MappedFile(const std::filesystem::path& path);
  MappedFile(MappedFile&& other) noexcept : data_(std::exchange(other.data_, {})) {}
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return data_; }

 private:
  std::span<const std::byte> data_;
};

}  // namespace ft
