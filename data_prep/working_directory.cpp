#include "working_directory.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ft/base/atomic_write.h"
#include "ft/base/error.h"
#include "ft/base/host.h"
#include "ft/data/shard_format.h"

#include "journal.h"

namespace ft {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLockName = "lock";
constexpr mode_t kFileMode = 0644;

// What a pack makes there, and write_file_atomically on the way.
bool is_ours(const std::string& name) {
  constexpr std::array<const char*, 3> kNames{kLockName, "set", "key.json"};
  constexpr std::array<const char*, 4> kBeginnings{"spool-", "journal-", "shard-", "key.json.tmp-"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end() ||
         std::any_of(kBeginnings.begin(), kBeginnings.end(),
                     [&name](const char* beginning) { return name.starts_with(beginning); });
}

// Nothing is deleted that no pack has made.
void refuse_foreign_content(const fs::path& directory) {
  std::error_code error;
  if (!fs::exists(directory, error)) return;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    const std::string name = entry.path().filename().string();
    if (is_ours(name)) continue;
    throw UsageError(fmt::format("{} holds '{}', which is not of a pack", directory.string(), name),
                     "pictures wait there while they are packed: move it, or choose another --out");
  }
  if (error) throw DataError(fmt::format("cannot read {}: {}", directory.string(), error.message()));
}

void make_directories(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) throw DataError(fmt::format("cannot create {}: {}", path.string(), error.message()));
}

std::string holder_of(int lock) {
  std::array<char, 256> text{};
  const ssize_t size = ::pread(lock, text.data(), text.size(), 0);
  return size > 0 ? std::string(text.data(), static_cast<std::size_t>(size)) : "another process";
}

// For the message of whoever comes second; a full disk leaves it without a name.
void say_who_holds(int lock) {
  const std::string text = fmt::format("process {} on {}", ::getpid(), host_name());
  if (::ftruncate(lock, 0) == 0) static_cast<void>(!::pwrite(lock, text.data(), text.size(), 0));
}

// Whoever held the lock before may have removed the file.
bool is_still_there(int lock, const fs::path& path) {
  struct stat held {};
  struct stat named {};
  return ::fstat(lock, &held) == 0 && ::stat(path.c_str(), &named) == 0 && held.st_ino == named.st_ino &&
         held.st_dev == named.st_dev;
}

// Some network file systems have no locks, and packing on them must be possible.
bool has_no_locks(int error) {
  return error == ENOSYS || error == ENOLCK || error == EOPNOTSUPP;
}

void take(int lock, const fs::path& directory, const fs::path& path) {
  if (::flock(lock, LOCK_EX | LOCK_NB) == 0) return;
  if (errno == EWOULDBLOCK) {
    throw UsageError(fmt::format("{} is in use by {}", directory.string(), holder_of(lock)),
                     "wait for it, stop it, or choose another --out");
  }
  if (!has_no_locks(errno)) throw_errno("lock", path.string());
  fmt::print(stderr,
             "ft_pack: {} cannot be locked on this file system: start no second pack to the same --out\n",
             directory.string());
}

// Empty when the file vanished meanwhile.
UniqueFd try_lock(const fs::path& directory) {
  const fs::path path = directory / kLockName;
  make_directories(directory);
  UniqueFd lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kFileMode));
  if (!lock) throw_errno("open", path.string());
  take(lock.get(), directory, path);
  if (!is_still_there(lock.get(), path)) return {};
  say_who_holds(lock.get());
  return lock;
}

}  // namespace

void write_unflushed(const fs::path& path, std::string_view text) {
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kFileMode));
  if (!fd) throw_errno("create", path.string());
  write_all(fd.get(), std::as_bytes(std::span(text)), path);
  fd.close(path);
}

fs::path working_path(const fs::path& target) {
  return target.string() + ".packing";
}

fs::path set_path(const fs::path& working) {
  return working / "set";
}

fs::path key_path(const fs::path& working) {
  return working / "key.json";
}

WorkingDirectory::WorkingDirectory(fs::path target)
    : target_(std::move(target)), path_(working_path(target_)) {
  refuse_foreign_content(path_);
  while (!lock_) lock_ = try_lock(path_);
}

void remove_what_a_finished_pack_left(const fs::path& target) {
  std::error_code ignored;
  const fs::path working = working_path(target);
  const bool finished = fs::exists(target / kManifestName, ignored) &&
                        fs::exists(key_path(working), ignored) && !fs::exists(set_path(working), ignored);
  if (finished) WorkingDirectory(target).remove();
}

void WorkingDirectory::clear() {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(path_, error)) {
    if (entry.path().filename() == kLockName) continue;
    fs::remove_all(entry.path(), error);
    if (error) break;
  }
  if (error) throw DataError(fmt::format("cannot clear {}: {}", path_.string(), error.message()));
}

bool WorkingDirectory::holds_samples() const {
  for (const JournalFile& journal : find_journals(path_)) {
    std::error_code ignored;
    if (fs::file_size(journal.path, ignored) > 0 && !ignored) return true;
  }
  return false;
}

void WorkingDirectory::remove() noexcept {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void WorkingDirectory::commit() {
  const fs::path set = set_path(path_);
  for (const auto& entry : fs::directory_iterator(set)) fsync_path(entry.path());
  fsync_path(set);
  if (::rename(set.c_str(), target_.c_str()) != 0) {
    throw_errno("rename a finished directory to", target_.string());
  }
  fsync_path(target_.parent_path());
  remove();
}

}  // namespace ft
