#include "placement.h"

#include <algorithm>

namespace ft {
namespace {

constexpr std::uint64_t kMebibyte = std::uint64_t{1} << 20U;
constexpr std::uint64_t kPlacementSeed = 0;
constexpr std::uint64_t kMostShards = 99'999;  // five digits in the name

}  // namespace

std::uint32_t shard_count(const std::vector<ImportedSample>& samples, const PackOptions& options) {
  std::uint64_t wanted = options.shards;
  if (wanted == 0) {
    std::uint64_t bytes = 0;
    for (const ImportedSample& sample : samples) bytes += sample.bytes;
    const std::uint64_t target = options.shard_mib * kMebibyte;
    wanted = std::max<std::uint64_t>(1, (bytes + target - 1) / target);
  }
  return static_cast<std::uint32_t>(std::min({wanted, std::uint64_t{samples.size()}, kMostShards}));
}

Placement::Placement(const InputSet& input, const std::vector<ImportedSample>& samples,
                     const PackOptions& options)
    : input_(input),
      samples_(samples),
      restart_index_(options.encoding.restart_index),
      shards_(shard_count(samples, options)),
      permutation_(samples.size(), kPlacementSeed, RandomUse::kShardPlacement, 0) {}

// In row order: a contiguous part of the permutation.
std::vector<std::uint64_t> Placement::ids_of(std::uint32_t shard) const {
  const std::uint64_t begin = permutation_.size() * shard / shards_;
  const std::uint64_t end = permutation_.size() * (shard + 1ULL) / shards_;
  std::vector<std::uint64_t> ids;
  ids.reserve(end - begin);
  for (std::uint64_t position = begin; position < end; ++position) ids.push_back(permutation_[position]);
  return ids;
}

ShardRows Placement::rows_of(std::uint32_t shard) const {
  ShardRows rows;
  ShardTables& tables = rows.tables;
  tables.sample_id = ids_of(shard);
  tables.offset.push_back(0);
  rows.source_offset.push_back(0);
  if (restart_index_) rows.restart_index.push_back(0);
  for (const std::uint64_t id : tables.sample_id) {
    const ImportedSample& sample = samples_[id];
    tables.offset.push_back(tables.offset.back() + sample.bytes);
    tables.label.push_back(sample.label);
    tables.width.push_back(sample.width);
    tables.height.push_back(sample.height);
    tables.codec.push_back(static_cast<std::uint8_t>(sample.codec));
    tables.xxh3.push_back(sample.xxh3);
    rows.source += input_.source(sample.candidate);
    rows.source_offset.push_back(rows.source.size());
    rows.source_xxh3.push_back(sample.source_xxh3);
    if (restart_index_) rows.restart_index.push_back(rows.restart_index.back() + sample.restart_intervals);
  }
  return rows;
}

}  // namespace ft
