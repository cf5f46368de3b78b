#include "journal.h"

#include <algorithm>
#include <cstdio>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>

#include "ft/base/error.h"

namespace ft {
namespace {

namespace fs = std::filesystem;

std::string journal_name(std::uint32_t number) {
  return fmt::format("journal-{:05}-{:05}", number >> 16U, number & 0xffffU);
}

// False for a file of another kind.
bool parse_name(const std::string& name, std::uint32_t& number) {
  unsigned attempt = 0;
  unsigned rank = 0;
  if (std::sscanf(name.c_str(), "journal-%5u-%5u", &attempt, &rank) != 2) return false;
  number = attempt << 16U | rank;
  return name == journal_name(number);
}

}  // namespace

JournalWriter::JournalWriter(const fs::path& directory, std::uint32_t number)
    : path_(directory / journal_name(number)),
      fd_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600)) {
  if (!fd_) throw_errno("create", path_.string());
}

void JournalWriter::append(std::string_view record) {
  write_all(fd_.get(), std::as_bytes(std::span(record)), path_);
}

std::vector<JournalFile> find_journals(const fs::path& directory) {
  std::vector<JournalFile> journals;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    std::uint32_t number = 0;
    if (parse_name(entry.path().filename().string(), number)) journals.push_back({entry.path(), number});
  }
  if (error) throw DataError(fmt::format("cannot read {}: {}", directory.string(), error.message()));
  std::sort(journals.begin(), journals.end(),
            [](const JournalFile& a, const JournalFile& b) { return a.number < b.number; });
  return journals;
}

}  // namespace ft
