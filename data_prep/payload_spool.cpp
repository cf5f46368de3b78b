#include "payload_spool.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "ft/base/error.h"

namespace ft {

std::string spool_name(std::uint32_t number) {
  return fmt::format("spool-{:05}-{:05}", number >> 16U, number & 0xffffU);
}

SpoolWriter::SpoolWriter(const std::filesystem::path& directory, std::uint32_t number)
    : path_(directory / spool_name(number)),
      number_(number),
      fd_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) {
  if (!fd_) throw_errno("create", path_.string());
}

std::uint64_t SpoolWriter::append(std::span<const std::byte> bytes) {
  write_all(fd_.get(), bytes, path_);
  const std::uint64_t begin = end_;
  end_ += bytes.size();
  return begin;
}

void SpoolWriter::flush() {
  if (::fsync(fd_.get()) != 0) throw_errno("flush", path_.string());
}

void SpoolReader::read(std::uint32_t spool, std::uint64_t begin, std::span<std::byte> buffer) const {
  pread_exact(descriptor(spool), buffer, begin, directory_ / spool_name(spool));
}

int SpoolReader::descriptor(std::uint32_t spool) const {
  const std::scoped_lock lock(mutex_);
  UniqueFd& fd = open_[spool];
  if (!fd) fd = open_for_reading(directory_ / spool_name(spool));
  return fd.get();
}

}  // namespace ft
