#include "append_whole.h"

#include <span>

#include <sys/stat.h>
#include <unistd.h>

#include "ft/base/error.h"
#include "ft/base/file.h"

namespace ft {

void append_whole(int fd, std::string_view record, const std::filesystem::path& path) {
  struct stat before = {};
  if (fstat(fd, &before) != 0) throw_errno("read the size of", path.string());
  try {
    write_all(fd, std::as_bytes(std::span(record)), path);
  } catch (...) {
    // The error of the write is the one worth telling, so a failing cut stays unsaid: the reader skips a torn
    // tail.
    [[maybe_unused]] const int ignored = ftruncate(fd, before.st_size);
    throw;
  }
}

}  // namespace ft
