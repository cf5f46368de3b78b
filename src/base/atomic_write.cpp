#include "ft/base/atomic_write.h"

#include <cerrno>
#include <cstdio>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ft/base/error.h"
#include "ft/base/host.h"

namespace ft {
namespace {

constexpr mode_t kFileMode = 0644;

std::filesystem::path parent_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

void make_directories(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) throw DataError(fmt::format("cannot create {}: {}", path.string(), error.message()));
}

std::filesystem::path behind_links(const std::filesystem::path& target) {
  constexpr int kMostLinks = 40;  // as the kernel
  std::filesystem::path path = target;
  for (int i = 0; i < kMostLinks; ++i) {
    std::error_code error;
    const std::filesystem::path next = std::filesystem::read_symlink(path, error);
    if (error) return path;  // no link
    path = path.parent_path() / next;
  }
  return target;
}

// What stands for an open file is that file, wherever its link leads.
bool is_standard_stream(const std::filesystem::path& target) {
  return target == "/dev/stdout" || target == "/dev/stderr";
}

bool can_be_replaced(const std::filesystem::path& target) {
  if (is_standard_stream(target)) return false;
  std::error_code ignored;
  const std::filesystem::file_status status = std::filesystem::status(target, ignored);
  return !std::filesystem::exists(status) || std::filesystem::is_regular_file(status);
}

UniqueFd open_in_place(const std::filesystem::path& target) {
  UniqueFd fd(is_standard_stream(target)
                  ? ::fcntl(target == "/dev/stdout" ? STDOUT_FILENO : STDERR_FILENO, F_DUPFD_CLOEXEC, 0)
                  : ::open(target.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd) throw_errno("write to", target.string());
  return fd;
}

}  // namespace

void fsync_path(const std::filesystem::path& path) {
  const UniqueFd fd = open_for_reading(path);
  // Some network file systems refuse to sync a directory; the rename is then as durable as it gets.
  if (::fsync(fd.get()) != 0 && errno != EINVAL && errno != EROFS) throw_errno("flush", path.string());
}

// The host too: process ids coincide between nodes that share a file system.
AtomicFile::AtomicFile(std::filesystem::path target) : target_(behind_links(target)) {
  if (!can_be_replaced(target) || !can_be_replaced(target_)) {
    target_ = std::move(target);
    fd_ = open_in_place(target_);
    return;
  }
  temporary_ = fmt::format("{}.tmp-{}-{}", target_.string(), host_name(), ::getpid());
  fd_ = UniqueFd(::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kFileMode));
  if (!fd_) throw_errno("create", temporary_.string());
}

AtomicFile::~AtomicFile() {
  if (!committed_ && !temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::span<const std::byte> data) {
  write_all(fd_.get(), data, target_);
}

void AtomicFile::write(std::string_view text) {
  write(std::as_bytes(std::span(text)));
}

void AtomicFile::commit() {
  if (temporary_.empty()) {
    fd_.close(target_);
    committed_ = true;
    return;
  }
  if (::fsync(fd_.get()) != 0) throw_errno("flush", target_.string());
  fd_.close(target_);
  if (::rename(temporary_.c_str(), target_.c_str()) != 0)
    throw_errno("rename a finished file to", target_.string());
  committed_ = true;
  fsync_path(parent_of(target_));
}

void write_file_atomically(const std::filesystem::path& target, std::string_view text) {
  AtomicFile file(target);
  file.write(text);
  file.commit();
}

AtomicDirectory::AtomicDirectory(std::filesystem::path target)
    : target_(std::move(target)), temporary_(target_.string() + ".tmp") {
  std::error_code error;
  std::filesystem::remove_all(temporary_, error);
  if (error) throw DataError(fmt::format("cannot clear {}: {}", temporary_.string(), error.message()));
  make_directories(temporary_);
}

AtomicDirectory::~AtomicDirectory() {
  std::error_code ignored;
  if (!committed_) std::filesystem::remove_all(temporary_, ignored);
}

void AtomicDirectory::commit() {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(temporary_)) {
    if (entry.is_regular_file()) fsync_path(entry.path());
  }
  fsync_path(temporary_);
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) {
    throw_errno("rename a finished directory to", target_.string());
  }
  committed_ = true;
  fsync_path(parent_of(target_));
}

}  // namespace ft
