// Files and directories that appear whole under their final name, or not at all.
// Order: write under a temporary name beside the target, fsync, rename, fsync the parent directory.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

#include "ft/base/file.h"

namespace ft {

// A file in the making. Destroyed without commit(), it leaves nothing behind. A link is followed, so that
// what it leads to is replaced and not the link; a target that is there and no plain file, such as
// /dev/stdout or a pipe, cannot be replaced and is written to at once.
class AtomicFile {
 public:
  // Opens `<target>.tmp-<host>-<pid>` for writing, or the target itself (see above). Throws DataError.
  explicit AtomicFile(std::filesystem::path target);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  void write(std::span<const std::byte> data);
  void write(std::string_view text);
  // Makes the bytes durable, then visible under the final name. Throws DataError; then nothing was replaced.
  void commit();

 private:
  std::filesystem::path target_;
  std::filesystem::path temporary_;  // empty when the target itself is written to
  UniqueFd fd_;
  bool committed_ = false;
};

// The common case: one small file from one string.
void write_file_atomically(const std::filesystem::path& target, std::string_view text);

// A directory in the making: fill path(), then commit(). Destroyed without commit(), it is removed.
class AtomicDirectory {
 public:
  // Creates `<target>.tmp`, clearing a left-over one of that name. Parents are created.
  explicit AtomicDirectory(std::filesystem::path target);
  AtomicDirectory(const AtomicDirectory&) = delete;
  AtomicDirectory& operator=(const AtomicDirectory&) = delete;
  ~AtomicDirectory();

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return temporary_; }
  // Fsyncs every file in it, renames it to the target, fsyncs the parent. The target must not exist.
  void commit();

 private:
  std::filesystem::path target_;
  std::filesystem::path temporary_;
  bool committed_ = false;
};

// Flushes a file or a directory to the device.
void fsync_path(const std::filesystem::path& path);

}  // namespace ft
