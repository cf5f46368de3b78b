#include "payload_spool.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "ft/base/error.h"

namespace ft {
namespace {

// A pack of many ranks that was continued often has more spools than a process may have files.
constexpr std::size_t kMostOpen = 64;

}  // namespace

std::string spool_name(std::uint32_t number) {
  return fmt::format("spool-{:05}-{:05}", number >> 16U, number & 0xffffU);
}

SpoolWriter::SpoolWriter(const std::filesystem::path& directory, std::uint32_t number)
    : path_(directory / spool_name(number)),
      number_(number),
      fd_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) {
  if (!fd_) throw_errno("create", path_.string());
}

std::uint64_t SpoolWriter::append(std::span<const std::byte> bytes, std::span<const std::byte> more) {
  const std::uint64_t begin = end_.fetch_add(bytes.size() + more.size());
  pwrite_all(fd_.get(), bytes, begin, path_);
  pwrite_all(fd_.get(), more, begin + bytes.size(), path_);
  return begin;
}

void SpoolWriter::flush() {
  if (::fsync(fd_.get()) != 0) throw_errno("flush", path_.string());
}

void SpoolReader::read(std::uint32_t spool, std::uint64_t begin, std::span<std::byte> buffer) const {
  pread_exact(file(spool)->get(), buffer, begin, directory_ / spool_name(spool));
}

std::shared_ptr<const UniqueFd> SpoolReader::file(std::uint32_t spool) const {
  const std::scoped_lock lock(mutex_);
  if (const auto found = open_.find(spool); found != open_.end()) return found->second;
  auto opened = std::make_shared<const UniqueFd>(open_for_reading(directory_ / spool_name(spool)));
  // Whoever reads from the one that goes keeps it open.
  if (open_.size() == kMostOpen) open_.erase(open_.begin());
  return open_.emplace(spool, std::move(opened)).first->second;
}

}  // namespace ft
