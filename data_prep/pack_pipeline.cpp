#include "pack_pipeline.h"

#include <algorithm>
#include <system_error>
#include <unordered_set>

#include <fmt/format.h>

#include "ft/base/atomic_write.h"
#include "ft/base/error.h"
#include "ft/base/permutation.h"
#include "ft/report/progress.h"

#include "import_stage.h"
#include "payload_spool.h"
#include "shard_writer.h"

namespace ft {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMebibyte = std::uint64_t{1} << 20U;
constexpr std::uint64_t kPlacementSeed = 0;
constexpr std::uint64_t kMostShards = 99'999;  // five digits in the name

void refuse_foreign_content(const fs::path& out) {
  std::error_code error;
  const fs::file_status status = fs::status(out, error);
  if (status.type() == fs::file_type::not_found) return;
  if (!fs::is_directory(status)) throw UsageError(fmt::format("--out {} is not a directory", out.string()));
  const bool empty = fs::is_empty(out, error);
  if (error) throw DataError(fmt::format("cannot read {}: {}", out.string(), error.message()));
  if (!empty) {
    throw UsageError(fmt::format("--out {} is not empty", out.string()),
                     "choose a new directory, or clear it");
  }
}

// No shard is empty: fewer samples than shards asked for make fewer shards.
std::uint32_t shard_count(const Imported& imported, const PackOptions& options) {
  std::uint64_t wanted = options.shards;
  if (wanted == 0) {
    std::uint64_t bytes = 0;
    for (const ImportedSample& sample : imported.samples) bytes += sample.bytes;
    const std::uint64_t target = options.shard_mib * kMebibyte;
    wanted = std::max<std::uint64_t>(1, (bytes + target - 1) / target);
  }
  return static_cast<std::uint32_t>(std::min({wanted, std::uint64_t{imported.samples.size()}, kMostShards}));
}

// The sample ids of one shard, in row order: a contiguous part of one permutation of all.
std::vector<std::uint64_t> ids_of_shard(const Permutation& placement, ShardPlace place) {
  const std::uint64_t begin = placement.size() * place.index / place.count;
  const std::uint64_t end = placement.size() * (place.index + 1ULL) / place.count;
  std::vector<std::uint64_t> ids;
  ids.reserve(end - begin);
  for (std::uint64_t position = begin; position < end; ++position) ids.push_back(placement[position]);
  return ids;
}

ShardRows rows_of(const InputSet& input, const std::vector<ImportedSample>& samples,
                  std::vector<std::uint64_t> ids, bool restart_index) {
  ShardRows rows;
  ShardTables& tables = rows.tables;
  tables.offset.push_back(0);
  rows.source_offset.push_back(0);
  if (restart_index) rows.restart_index.push_back(0);
  for (const std::uint64_t id : ids) {
    const ImportedSample& sample = samples[id];
    tables.offset.push_back(tables.offset.back() + sample.bytes);
    tables.label.push_back(sample.label);
    tables.width.push_back(sample.width);
    tables.height.push_back(sample.height);
    tables.codec.push_back(static_cast<std::uint8_t>(sample.codec));
    tables.xxh3.push_back(sample.xxh3);
    rows.source += input.source(sample.candidate);
    rows.source_offset.push_back(rows.source.size());
    rows.source_xxh3.push_back(sample.source_xxh3);
    if (restart_index) rows.restart_index.push_back(rows.restart_index.back() + sample.restart_intervals);
  }
  tables.sample_id = std::move(ids);
  return rows;
}

void append_sample(const ImportedSample& sample, PayloadSpool& spool, ShardWriter& writer) {
  const std::uint64_t offset_bytes = sample.restart_intervals * sizeof(std::uint32_t);
  const std::span<const std::byte> record = spool.read(sample.spool_begin, sample.bytes + offset_bytes);
  writer.append(record.first(sample.bytes));
  writer.append_restart_offsets(record.subspan(sample.bytes));
}

std::vector<ShardEntry> write_shards(const fs::path& directory, const InputSet& input,
                                     const Imported& imported, std::uint32_t count, bool restart_index,
                                     PayloadSpool& spool, const std::function<bool()>& stop_requested) {
  const Permutation placement(imported.samples.size(), kPlacementSeed, RandomUse::kShardPlacement, 0);
  Progress progress("write", imported.samples.size(), "images");
  std::uint64_t written = 0;
  std::vector<ShardEntry> entries;
  for (std::uint32_t index = 0; index < count; ++index) {
    const ShardPlace place{index, count};
    const ShardRows rows = rows_of(input, imported.samples, ids_of_shard(placement, place), restart_index);
    ShardWriter writer(directory, place, input.classes(), rows);
    for (const std::uint64_t id : rows.tables.sample_id) {
      if (stop_requested()) throw Interrupted();
      append_sample(imported.samples[id], spool, writer);
      progress.update(++written);
    }
    entries.push_back(writer.finish());
  }
  progress.finish();
  return entries;
}

nlohmann::ordered_json options_that_decide(const InputSet& input, const PackOptions& options) {
  nlohmann::ordered_json json{{"input", input.description()}};
  if (options.shards != 0) {
    json["shards"] = options.shards;
  } else {
    json["shard_mib"] = options.shard_mib;
  }
  json["limit_per_class"] = options.limit_per_class;
  if (options.encoding.restart_index) json["restart_index"] = true;
  if (options.encoding.encoding == Encoding::kRaw) {
    json["encoding"] = "raw";
    if (options.encoding.max_side != 0) json["max_side"] = options.encoding.max_side;
  }
  return json;
}

PackResult summarize(const InputSet& input, const PackOptions& options, Imported imported,
                     std::vector<ShardEntry> shards) {
  PackResult result;
  Manifest& manifest = result.manifest;
  manifest.classes = input.classes();
  manifest.counts.resize(input.classes().size());
  result.class_bytes.resize(input.classes().size());
  std::unordered_set<std::uint64_t> sources;
  for (const ImportedSample& sample : imported.samples) {
    ++manifest.counts[static_cast<std::size_t>(sample.label)];
    result.class_bytes[static_cast<std::size_t>(sample.label)] += sample.bytes;
    if (!sources.insert(sample.source_xxh3).second) ++result.repeated;
  }
  if (options.encoding.encoding == Encoding::kOriginal) {
    result.stored_as_found =
        imported.samples.size() - imported.converted.size() - imported.transcoded.samples;
  }
  manifest.packed_with = options_that_decide(input, options);
  manifest.shards = std::move(shards);
  manifest.converted = std::move(imported.converted);
  manifest.skipped = std::move(imported.skipped);
  manifest.exif_oriented = imported.exif_oriented;
  if (options.encoding.restart_index) manifest.transcoded = imported.transcoded;
  if (options.encoding.encoding == Encoding::kRaw) manifest.resampled = imported.resampled;
  manifest.fingerprint = compute_fingerprint(manifest);
  return result;
}

// "out/" and "out/." are "out": the temporary directory stands beside it, not in it.
fs::path without_trailing_slash(const fs::path& path) {
  const fs::path normal = fs::absolute(path).lexically_normal();
  return normal.has_filename() ? normal : normal.parent_path();
}

// Everything but the manifest. The spool is gone when it returns.
PackResult fill(const fs::path& directory, const InputSet& input, const PackOptions& options,
                const std::function<bool()>& stop_requested) {
  PayloadSpool spool(directory);
  Imported imported = import_all(input, options, spool, stop_requested);
  std::vector<ShardEntry> shards = write_shards(directory, input, imported, shard_count(imported, options),
                                                options.encoding.restart_index, spool, stop_requested);
  return summarize(input, options, std::move(imported), std::move(shards));
}

}  // namespace

PackResult pack(const InputSet& input, const fs::path& out, const PackOptions& options,
                const std::function<bool()>& stop_requested) {
  refuse_foreign_content(out);
  AtomicDirectory directory(without_trailing_slash(out));
  PackResult result = fill(directory.path(), input, options, stop_requested);
  write_file_atomically(directory.path() / kManifestName, to_json_text(result.manifest));
  directory.commit();
  return result;
}

}  // namespace ft
