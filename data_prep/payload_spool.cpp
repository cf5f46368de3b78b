#include "payload_spool.h"

#include <fcntl.h>
#include <unistd.h>

#include "ft/base/error.h"

namespace ft {

// Unlinked at once: the space is freed with the descriptor, whatever ends the process.
PayloadSpool::PayloadSpool(const std::filesystem::path& directory) : path_(directory / "spool") {
  fd_ = UniqueFd(::open(path_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd_) throw_errno("create", path_.string());
  ::unlink(path_.c_str());
}

std::uint64_t PayloadSpool::append(std::span<const std::byte> bytes) {
  write_all(fd_.get(), bytes, path_);
  const std::uint64_t begin = end_;
  end_ += bytes.size();
  return begin;
}

std::span<const std::byte> PayloadSpool::read(std::uint64_t begin, std::uint64_t size) {
  if (buffer_.size() < size) buffer_.resize(size);
  const std::span<std::byte> bytes(buffer_.data(), size);
  pread_exact(fd_.get(), bytes, begin, path_);
  return bytes;
}

}  // namespace ft
