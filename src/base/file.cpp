#include "ft/base/file.h"

#include <cerrno>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ft/base/error.h"

namespace ft {
namespace {

std::uint64_t size_of(int fd, const std::filesystem::path& path) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) throw_errno("read", path.string());
  if (S_ISDIR(status.st_mode))
    throw DataError(fmt::format("cannot read {}: it is a directory", path.string()));
  return static_cast<std::uint64_t>(status.st_size);
}

}  // namespace

UniqueFd& UniqueFd::operator=(UniqueFd&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

UniqueFd::~UniqueFd() {
  if (fd_ >= 0) ::close(fd_);
}

void UniqueFd::close(const std::filesystem::path& path) {
  if (fd_ >= 0 && ::close(std::exchange(fd_, -1)) != 0) throw_errno("finish writing", path.string());
}

UniqueFd open_for_reading(const std::filesystem::path& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) throw_errno("open", path.string());
  return fd;
}

void pread_exact(int fd, std::span<std::byte> out, std::uint64_t offset, const std::filesystem::path& path) {
  while (!out.empty()) {
    const ssize_t got = ::pread(fd, out.data(), out.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_errno("read", path.string());
    if (got == 0)
      throw DataError(
          fmt::format("{} ends at byte {}, {} bytes too early", path.string(), offset, out.size()));
    out = out.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
  }
}

void write_all(int fd, std::span<const std::byte> data, const std::filesystem::path& path) {
  while (!data.empty()) {
    const ssize_t put = ::write(fd, data.data(), data.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) throw_errno("write", path.string());
    data = data.subspan(static_cast<std::size_t>(put));
  }
}

void pwrite_all(int fd, std::span<const std::byte> data, std::uint64_t offset,
                const std::filesystem::path& path) {
  while (!data.empty()) {
    const ssize_t put = ::pwrite(fd, data.data(), data.size(), static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) throw_errno("write", path.string());
    data = data.subspan(static_cast<std::size_t>(put));
    offset += static_cast<std::uint64_t>(put);
  }
}

std::vector<std::byte> read_file(const std::filesystem::path& path) {
  const UniqueFd fd = open_for_reading(path);
  std::vector<std::byte> bytes(size_of(fd.get(), path));
  pread_exact(fd.get(), bytes, 0, path);
  return bytes;
}

std::string read_text_file(const std::filesystem::path& path) {
  const UniqueFd fd = open_for_reading(path);
  std::string text(size_of(fd.get(), path), '\0');
  pread_exact(fd.get(), std::as_writable_bytes(std::span(text)), 0, path);
  return text;
}

MappedFile::MappedFile(const std::filesystem::path& path) {
  const UniqueFd fd = open_for_reading(path);
  const std::uint64_t size = size_of(fd.get(), path);
  if (size == 0) return;  // mmap refuses an empty file
  void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd.get(), 0);
  if (address == MAP_FAILED) throw_errno("map", path.string());
  data_ = {static_cast<const std::byte*>(address), size};
}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  return *this;
}

MappedFile::~MappedFile() {
  if (!data_.empty()) ::munmap(const_cast<std::byte*>(data_.data()), data_.size());
}

}  // namespace ft
