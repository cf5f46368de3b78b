#include "ft/data/stage.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <map>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/statvfs.h>

#include "ft/base/atomic_write.h"
#include "ft/base/error.h"
#include "ft/base/file.h"
#include "ft/base/hash.h"
#include "ft/data/manifest.h"
#include "ft/data/packed_set.h"

namespace ft {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPiece = std::size_t{4} << 20;
constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr auto kLockPoll = std::chrono::milliseconds(100);
constexpr mode_t kFileMode = 0644;

void make_directory(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) {
    throw DataError(fmt::format("data.stage: cannot create {}: {}", path.string(), error.message()),
                    "name a directory that this user may write to, or data.stage: none");
  }
}

// Held while one process looks at a copy and completes it. Left behind as an empty file: removing it would
// let two processes hold two locks of one name.
class StageLock {
 public:
  explicit StageLock(const fs::path& file, const std::function<void()>& waiting)
      : fd_(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kFileMode)) {
    if (!fd_) throw_errno("open", file.string());
    while (::flock(fd_.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK && errno != EINTR) throw_errno("lock", file.string());
      waiting();
      std::this_thread::sleep_for(kLockPoll);
    }
  }

 private:
  UniqueFd fd_;
};

// Adds up what is done, for all sets.
class Tally {
 public:
  Tally(std::uint64_t total, const StageProgress& progress) : total_(total), progress_(progress) {}
  void add(std::uint64_t bytes) { progress_(done_ += bytes, total_); }
  void report() const { progress_(done_, total_); }

 private:
  std::uint64_t done_ = 0;
  std::uint64_t total_;
  const StageProgress& progress_;
};

template <typename Consumer>
void for_each_piece(const fs::path& path, std::uint64_t bytes, const Consumer& consume) {
  const UniqueFd fd = open_for_reading(path);
  std::vector<std::byte> buffer(std::min<std::uint64_t>(bytes, kPiece));
  for (std::uint64_t at = 0; at < bytes; at += buffer.size()) {
    const auto piece = std::span(buffer).first(std::min<std::uint64_t>(buffer.size(), bytes - at));
    pread_exact(fd.get(), piece, at, path);
    consume(piece);
  }
}

// "; sample 17 (...): ...", the first of a shard that does not verify; empty when the damage lies elsewhere.
std::string first_damage(const fs::path& directory, const ShardEntry& shard) {
  try {
    const PackedSet set(directory);
    const auto& shards = set.manifest().shards;
    const auto index = std::ranges::find(shards, shard.file, &ShardEntry::file) - shards.begin();
    std::vector<std::byte> buffer;
    for (std::uint64_t row = 0; row < shard.samples; ++row) {
      static_cast<void>(set.read(set.sample_id_at(static_cast<std::uint32_t>(index), row), buffer));
    }
  } catch (const DataError& error) {
    return fmt::format("; {}", error.what());
  }
  return {};
}

// One set and its copy in the making.
class StagedSet {
 public:
  StagedSet(const fs::path& source, const fs::path& root)
      : source_(source), manifest_(read_manifest(source)), copy_(root / manifest_.fingerprint) {}

  [[nodiscard]] const fs::path& copy() const noexcept { return copy_; }
  [[nodiscard]] const std::string& fingerprint() const noexcept { return manifest_.fingerprint; }
  [[nodiscard]] std::uint64_t bytes() const noexcept {
    std::uint64_t sum = 0;
    for (const ShardEntry& shard : manifest_.shards) sum += shard.bytes;
    return sum;
  }
  [[nodiscard]] std::uint64_t missing_bytes() const noexcept {
    std::uint64_t sum = 0;
    for (const ShardEntry* shard : missing_) sum += shard->bytes;
    return sum;
  }

  // Finds out what is missing; under the lock. What a killed process left half-made goes.
  void look(Tally& tally) {
    make_directory(copy_);
    for (const auto& entry : fs::directory_iterator(copy_)) {
      std::error_code ignored;
      if (entry.path().filename().string().find(".tmp-") != std::string::npos)
        fs::remove(entry.path(), ignored);
    }
    for (const ShardEntry& shard : manifest_.shards) {
      if (!is_whole(shard, tally)) missing_.push_back(&shard);
    }
  }

  void complete(Tally& tally) const {
    for (const ShardEntry* shard : missing_) copy_shard(*shard, tally);
    const std::string text = read_text_file(source_ / kManifestName);
    std::error_code error;
    const fs::path manifest = copy_ / kManifestName;
    if (fs::exists(manifest, error) && read_text_file(manifest) == text) return;
    write_file_atomically(manifest, text);
  }

 private:
  [[nodiscard]] bool is_whole(const ShardEntry& shard, Tally& tally) const {
    const fs::path path = copy_ / shard.file;
    std::error_code error;
    const std::uint64_t size = fs::file_size(path, error);
    if (error || size != shard.bytes) return false;
    Xxh3Stream hash;
    for_each_piece(path, shard.bytes, [&](std::span<const std::byte> piece) {
      hash.update(piece);
      tally.report();
    });
    if (hash.hex_digest() != shard.xxh3_128) return false;
    tally.add(shard.bytes);
    return true;
  }

  void copy_shard(const ShardEntry& shard, Tally& tally) const {
    const fs::path from = source_ / shard.file;
    AtomicFile file(copy_ / shard.file);
    Xxh3Stream hash;
    for_each_piece(from, shard.bytes, [&](std::span<const std::byte> piece) {
      hash.update(piece);
      file.write(piece);
      tally.add(piece.size());
    });
    if (hash.hex_digest() != shard.xxh3_128) {
      throw DataError(fmt::format("{}: its bytes are not those that the manifest recorded{}", from.string(),
                                  first_damage(source_, shard)),
                      "run ft_pack verify, then restore the shard or pack the data again");
    }
    file.commit();
  }

  fs::path source_;
  Manifest manifest_;
  fs::path copy_;
  std::vector<const ShardEntry*> missing_;
};

void require_room(std::uint64_t needed, const fs::path& root) {
  struct statvfs room {};
  if (::statvfs(root.c_str(), &room) != 0) throw_errno("look at the free space of", root.string());
  const std::uint64_t free = std::uint64_t{room.f_bavail} * room.f_frsize;
  if (needed <= free) return;
  throw DataError(fmt::format("data.stage: {} has {} bytes free ({} MiB), the copies need {} ({} MiB)",
                              root.string(), free, free / kMiB, needed, needed / kMiB + 1),
                  "remove old copies there, name another directory, or data.stage: none");
}

bool is_name_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

}  // namespace

fs::path expand_variables(const std::string& text) {
  std::string path;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] != '$') {
      path += text[at++];
      continue;
    }
    const bool braced = at + 1 < text.size() && text[at + 1] == '{';
    const std::size_t begin = at + (braced ? 2 : 1);
    std::size_t end = begin;
    while (end < text.size() && is_name_character(text[end])) ++end;
    const std::string name = text.substr(begin, end - begin);
    if (name.empty() || (braced && (end == text.size() || text[end] != '}'))) {
      throw UsageError(fmt::format("data.stage: {}: '$' without the name of a variable", text),
                       "for example $TMPDIR/ft or ${TMPDIR}/ft");
    }
    const char* value = std::getenv(name.c_str());
    if (value == nullptr || *value == '\0') {
      throw UsageError(fmt::format("data.stage: {}: the environment has no {}", text, name),
                       "set it on every node, name the directory itself, or data.stage: none");
    }
    path += value;
    at = end + (braced ? 1 : 0);
  }
  if (!path.starts_with('/')) {
    throw UsageError(fmt::format("data.stage: {} becomes '{}', which is not an absolute path", text, path));
  }
  return fs::path(path).lexically_normal();
}

fs::path staged_path(const fs::path& set, const fs::path& root) {
  return root / read_manifest(set).fingerprint;
}

StageOutcome stage_sets(const std::vector<fs::path>& sets, const fs::path& root,
                        const StageProgress& progress) {
  make_directory(root);
  StageOutcome outcome;
  // By fingerprint: the same set twice is one copy, and everybody takes the locks in the same order.
  std::map<std::string, StagedSet> staged;
  std::uint64_t total = 0;
  for (const fs::path& set : sets) {
    StagedSet one(set, root);
    outcome.copies.push_back(one.copy());
    const std::uint64_t bytes = one.bytes();
    if (staged.emplace(one.fingerprint(), std::move(one)).second) total += bytes;
  }
  Tally tally(total, progress);
  std::vector<StageLock> locks;
  locks.reserve(staged.size());
  std::uint64_t missing = 0;
  for (auto& [fingerprint, set] : staged) {
    locks.emplace_back(root / (fingerprint + ".lock"), [&tally] { tally.report(); });
    set.look(tally);
    missing += set.missing_bytes();
  }
  require_room(missing, root);
  for (const auto& [fingerprint, set] : staged) set.complete(tally);
  outcome.bytes_copied = missing;
  outcome.bytes_reused = total - missing;
  return outcome;
}

}  // namespace ft
