// DIR.packing, beside the set in the making: what makes an interrupted pack go on where it was.
//
//   lock                   held by the running pack; says which process it is
//   key.json               what the imports in it depend on
//   spool-AAAAA-RRRRR      payloads that rank R imported in try A; of one rank alone, R > 0 is an early shard
//   journal-AAAAA-RRRRR    which samples rank R imported, and where in which spools they lie
//   set/                   the shards, which becomes DIR
//   shard-00003.json       that the shard is complete, and its hash
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "ft/base/file.h"

namespace ft {

// Rank 0's. Whatever ends the process, the directory stays, unless leave() or commit() removes it.
class WorkingDirectory {
 public:
  // Makes it where there is none. UsageError when another pack works there, naming it, or when it holds what
  // no pack has made, which is left alone. Throws DataError.
  explicit WorkingDirectory(std::filesystem::path target);
  WorkingDirectory(const WorkingDirectory&) = delete;
  WorkingDirectory& operator=(const WorkingDirectory&) = delete;
  ~WorkingDirectory() = default;

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  // Removes all but the lock.
  void clear();
  // Whether a later try finds something in it.
  [[nodiscard]] bool holds_samples() const;
  // Removes it whole. Does not throw.
  void remove() noexcept;
  // Makes set/ durable and renames it to the target, which is missing or empty; removes the rest.
  void commit();

 private:
  std::filesystem::path target_;
  std::filesystem::path path_;
  UniqueFd lock_;
};

// A pack that was killed between renaming set/ and removing the rest.
void remove_what_a_finished_pack_left(const std::filesystem::path& target);

// Writes a file of a working directory, where commit() flushes what is part of the set, and where a torn file
// is noticed by whoever reads it. DataError.
void write_unflushed(const std::filesystem::path& path, std::string_view text);

[[nodiscard]] std::filesystem::path working_path(const std::filesystem::path& target);
[[nodiscard]] std::filesystem::path set_path(const std::filesystem::path& working);
[[nodiscard]] std::filesystem::path key_path(const std::filesystem::path& working);

}  // namespace ft
