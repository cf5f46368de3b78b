#include "ft/train/run_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include "ft/base/error.h"
#include "ft/base/host.h"

namespace ft {
namespace {

constexpr mode_t kFileMode = 0644;

}  // namespace

RunLock::RunLock(const std::filesystem::path& file)
    : fd_(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kFileMode)) {
  if (!fd_) throw_errno("open", file.string());
  const std::string host = host_name();
  if (::flock(fd_.get(), LOCK_EX | LOCK_NB) != 0) {
    // A file system without locks (some network ones) has nothing to say; neither has a holder elsewhere.
    const std::string holder = read_text_file(file);
    if (!holder.starts_with(host + " ")) return;
    throw UsageError(fmt::format("run.dir {} is in use by process {}",
                                 file.parent_path().parent_path().string(), holder.substr(host.size() + 1)),
                     "wait for it, stop it (touch STOP there), or choose another run.dir");
  }
  const std::string mine = fmt::format("{} {}", host, ::getpid());
  if (::ftruncate(fd_.get(), 0) != 0) throw_errno("write", file.string());
  write_all(fd_.get(), std::as_bytes(std::span(mine)), file);
}

}  // namespace ft
