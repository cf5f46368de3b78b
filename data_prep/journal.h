// One rank's record of what it has imported, written sample by sample: what a killed pack leaves to go on
// from.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

#include "ft/base/file.h"

namespace ft {

class JournalWriter {
 public:
  // Creates the file; `number` as the spool's. Throws DataError, as all of it does.
  JournalWriter(const std::filesystem::path& directory, std::uint32_t number);

  // A record (import_record.h) whose payload is in the spool already. A crash of the machine may keep the
  // record and lose the payload: whoever reads it compares the hash.
  void append(std::string_view record);

 private:
  std::filesystem::path path_;
  UniqueFd fd_;
};

struct JournalFile {
  std::filesystem::path path;
  std::uint32_t number;
};

// By number. Throws DataError.
[[nodiscard]] std::vector<JournalFile> find_journals(const std::filesystem::path& directory);

}  // namespace ft
