// A file that is rewritten for each input: for readers that take a path.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

#include <fcntl.h>
#include <unistd.h>

#include "ft/base/file.h"

#include "temporary_directory.h"

namespace ft {

class InputFile {
 public:
  explicit InputFile(std::string_view name) : path_(directory_.path() / name) {}

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  [[nodiscard]] const std::filesystem::path& directory() const noexcept { return directory_.path(); }

  void write(std::span<const std::uint8_t> bytes) const {
    const UniqueFd fd(::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    write_all(fd.get(), std::as_bytes(bytes), path_);
  }

 private:
  TemporaryDirectory directory_;
  std::filesystem::path path_;
};

}  // namespace ft
