#include "ft/data/packed_set.h"

#include <algorithm>
#include <array>
#include <limits>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>

#include "ft/base/error.h"
#include "ft/base/file.h"
#include "ft/base/hash.h"

#include "shard_reader.h"

namespace ft {
namespace {

namespace fs = std::filesystem;

struct OpenShard {
  fs::path path;
  UniqueFd fd;
  ShardContents contents;
};

// 8 bytes a sample; with the tables' 37, a set costs 45.
struct Location {
  std::uint32_t shard = std::numeric_limits<std::uint32_t>::max();
  std::uint32_t row = 0;
};

// One descriptor a shard for as long as the set is open; the soft limit is often 1024.
void allow_descriptors(std::uint64_t shards) {
  constexpr std::uint64_t kForOthers = 256;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= shards + kForOthers) return;
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, shards + kForOthers);
  static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));  // opening says so if it is still too low
}

std::vector<OpenShard> open_shards(const fs::path& directory, const Manifest& manifest) {
  allow_descriptors(manifest.shards.size());
  std::vector<OpenShard> shards;
  shards.reserve(manifest.shards.size());
  for (std::uint32_t i = 0; i < manifest.shards.size(); ++i) {
    fs::path path = directory / manifest.shards[i].file;
    ShardContents contents = read_shard(path, manifest, i);
    UniqueFd fd = open_for_reading(path);
    shards.push_back({std::move(path), std::move(fd), std::move(contents)});
  }
  return shards;
}

std::vector<Location> locate_samples(const std::vector<OpenShard>& shards, std::uint64_t samples) {
  std::vector<Location> locations(samples);
  const std::uint32_t unset = Location{}.shard;
  for (std::uint32_t shard = 0; shard < shards.size(); ++shard) {
    const std::vector<std::uint64_t>& ids = shards[shard].contents.tables.sample_id;
    for (std::uint32_t row = 0; row < ids.size(); ++row) {
      if (ids[row] >= samples || locations[ids[row]].shard != unset) {
        throw DataError(fmt::format("{}: row {}: sample id {} is {} in a set of {} samples",
                                    shards[shard].path.string(), row, ids[row],
                                    ids[row] >= samples ? "out of range" : "used twice", samples));
      }
      locations[ids[row]] = {shard, row};
    }
  }
  return locations;
}

void check_counts(const std::vector<OpenShard>& shards, const Manifest& manifest, const fs::path& directory) {
  std::vector<std::uint64_t> counts(manifest.classes.size());
  for (const OpenShard& shard : shards) {
    for (const std::int32_t label : shard.contents.tables.label) ++counts[static_cast<std::size_t>(label)];
  }
  if (counts != manifest.counts) {
    throw DataError(fmt::format("{}: the labels do not add up to the manifest's counts", directory.string()));
  }
}

[[noreturn]] void fail_restart_index(const OpenShard& shard, std::uint64_t row, std::string_view what) {
  throw DataError(fmt::format("{}: row {}: damaged {}", shard.path.string(), row, what),
                  "run ft_pack verify, then restore the shard or pack the data again");
}

// Which entries of /restart_offset a row owns.
struct EntryRange {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

EntryRange restart_entries(const OpenShard& shard, std::uint64_t row) {
  std::array<std::uint64_t, 2> ends{};
  pread_exact(shard.fd.get(), std::as_writable_bytes(std::span(ends)),
              shard.contents.restart_index->begin + row * sizeof(std::uint64_t), shard.path);
  const auto [begin, end] = ends;
  const std::uint64_t entries = shard.contents.restart_offset->bytes / sizeof(std::uint32_t);
  if (begin > end || end > entries) fail_restart_index(shard, row, shard_dataset::kRestartIndex);
  return {begin, end};
}

}  // namespace

struct PackedSet::Impl {
  explicit Impl(fs::path dir)
      : directory(std::move(dir)),
        manifest(read_manifest(directory)),
        shards(open_shards(directory, manifest)),
        locations(locate_samples(shards, manifest.samples())) {
    check_counts(shards, manifest, directory);
  }

  [[nodiscard]] Location locate(std::uint64_t sample_id) const {
    if (sample_id >= locations.size()) {
      throw DataError(fmt::format("{}: there is no sample {}; the last one is {}", directory.string(),
                                  sample_id, locations.size() - 1));
    }
    return locations[sample_id];
  }

  fs::path directory;
  Manifest manifest;
  std::vector<OpenShard> shards;
  std::vector<Location> locations;
};

PackedSet::PackedSet(const fs::path& directory) : impl_(std::make_unique<Impl>(directory)) {}
PackedSet::PackedSet(PackedSet&&) noexcept = default;
PackedSet& PackedSet::operator=(PackedSet&&) noexcept = default;
PackedSet::~PackedSet() = default;

const fs::path& PackedSet::directory() const noexcept {
  return impl_->directory;
}

const Manifest& PackedSet::manifest() const noexcept {
  return impl_->manifest;
}

std::uint64_t PackedSet::size() const noexcept {
  return impl_->locations.size();
}

const std::vector<std::string>& PackedSet::classes() const noexcept {
  return impl_->manifest.classes;
}

const std::string& PackedSet::fingerprint() const noexcept {
  return impl_->manifest.fingerprint;
}

SampleInfo PackedSet::info(std::uint64_t sample_id) const {
  const auto [shard, row] = impl_->locate(sample_id);
  const ShardTables& tables = impl_->shards[shard].contents.tables;
  return {.sample_id = sample_id,
          .shard = shard,
          .row = row,
          .label = tables.label[row],
          .width = tables.width[row],
          .height = tables.height[row],
          .codec = static_cast<Codec>(tables.codec[row]),
          .payload_bytes = tables.offset[row + 1] - tables.offset[row],
          .xxh3 = tables.xxh3[row]};
}

std::uint64_t PackedSet::sample_id_at(std::uint32_t shard, std::uint64_t row) const {
  return impl_->shards.at(shard).contents.tables.sample_id.at(row);
}

void PackedSet::prefetch(std::uint64_t sample_id) const noexcept {
  if (sample_id >= impl_->locations.size()) return;
  const auto [index, row] = impl_->locations[sample_id];
  const OpenShard& shard = impl_->shards[index];
  const std::vector<std::uint64_t>& offset = shard.contents.tables.offset;
  static_cast<void>(::posix_fadvise(shard.fd.get(),
                                    static_cast<off_t>(shard.contents.payload.begin + offset[row]),
                                    static_cast<off_t>(offset[row + 1] - offset[row]), POSIX_FADV_WILLNEED));
}

std::string PackedSet::source(std::uint64_t sample_id) const {
  const auto [index, row] = impl_->locate(sample_id);
  const OpenShard& shard = impl_->shards[index];
  std::array<std::uint64_t, 2> ends{};
  pread_exact(shard.fd.get(), std::as_writable_bytes(std::span(ends)),
              shard.contents.source_offset.begin + row * sizeof(std::uint64_t), shard.path);
  const auto [begin, end] = ends;
  if (begin > end || end > shard.contents.source.bytes) {
    throw DataError(fmt::format("{}: row {}: damaged source_offset", shard.path.string(), row));
  }
  std::string text(end - begin, '\0');
  pread_exact(shard.fd.get(), std::as_writable_bytes(std::span(text)), shard.contents.source.begin + begin,
              shard.path);
  return text;
}

std::string PackedSet::describe(std::uint64_t sample_id) const {
  const auto [shard, row] = impl_->locate(sample_id);
  // An error about a sample is being told: a damaged source table must not take its place.
  std::string from = "source unknown";
  try {
    from = source(sample_id);
  } catch (const DataError&) {
  }
  return fmt::format("sample {} ({} row {}, {})", sample_id, impl_->manifest.shards[shard].file, row, from);
}

std::span<const std::byte> PackedSet::read(std::uint64_t sample_id, std::vector<std::byte>& buffer) const {
  const SampleInfo sample = info(sample_id);
  const OpenShard& shard = impl_->shards[sample.shard];
  if (buffer.size() < sample.payload_bytes) buffer.resize(sample.payload_bytes);
  const std::span<std::byte> bytes(buffer.data(), sample.payload_bytes);
  pread_exact(shard.fd.get(), bytes, shard.contents.payload.begin + shard.contents.tables.offset[sample.row],
              shard.path);
  if (xxh3_64(bytes) != sample.xxh3) {
    throw DataError(fmt::format("{} in {}: the stored bytes are damaged (their hash does not match)",
                                describe(sample_id), impl_->directory.string()),
                    "run ft_pack verify, then restore the shard or pack the data again");
  }
  return bytes;
}

bool PackedSet::has_restart_index() const noexcept {
  return impl_->manifest.transcoded.has_value();
}

std::span<const std::uint32_t> PackedSet::read_restart_offsets(std::uint64_t sample_id,
                                                               std::vector<std::uint32_t>& buffer) const {
  if (!has_restart_index()) return {};
  const SampleInfo sample = info(sample_id);
  const OpenShard& shard = impl_->shards[sample.shard];
  const auto [begin, end] = restart_entries(shard, sample.row);
  const std::uint64_t count = end - begin;
  // Each interval takes a byte at least, so this also bounds what is allocated for damaged entries.
  if (count > sample.payload_bytes) fail_restart_index(shard, sample.row, shard_dataset::kRestartIndex);
  if (buffer.size() < count) buffer.resize(count);
  const std::span<std::uint32_t> offsets(buffer.data(), count);
  pread_exact(shard.fd.get(), std::as_writable_bytes(offsets),
              shard.contents.restart_offset->begin + begin * sizeof(std::uint32_t), shard.path);
  std::uint64_t least = 1;
  for (const std::uint32_t offset : offsets) {
    if (offset < least || offset >= sample.payload_bytes) {
      fail_restart_index(shard, sample.row, shard_dataset::kRestartOffset);
    }
    least = std::uint64_t{offset} + 1;
  }
  return offsets;
}

}  // namespace ft
