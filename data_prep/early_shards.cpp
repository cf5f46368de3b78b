#include "early_shards.h"

#include <algorithm>
#include <utility>

#include <fcntl.h>

#include "ft/base/error.h"

#include "placement.h"

namespace ft {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kMostFiles = 64;
constexpr std::uint64_t kHandedToDisk = std::uint64_t{4} << 20U;

}  // namespace

Foresight::Foresight(const InputSet& input, const std::vector<std::uint64_t>& candidates) {
  samples.reserve(candidates.size());
  for (const std::uint64_t candidate : candidates) {
    if (const std::optional<std::uint64_t> bytes = input.likely_payload_bytes(candidate)) {
      samples.push_back({.candidate = candidate, .bytes = *bytes, .label = input.label(candidate)});
    } else {
      unforeseen.push_back(candidate);
    }
  }
}

std::optional<EarlyShards> EarlyShards::lay_out(const fs::path& working, std::uint32_t attempt,
                                                const InputSet& input, std::vector<ImportedSample> samples,
                                                const PackOptions& options) {
  if (samples.empty() || shard_count(samples, options) > kMostFiles) return std::nullopt;
  std::ranges::sort(samples, {}, &ImportedSample::candidate);  // which gives them their ids
  const Placement placement(input, samples, options);
  EarlyShards early;
  early.payloads_.reserve(samples.size());
  for (std::uint32_t shard = 0; shard < placement.shards(); ++shard) {
    const ShardRows rows = placement.rows_of(shard);
    // The spool of rank 0 comes before them.
    const std::uint32_t spool = spool_number(attempt, static_cast<int>(shard) + 1);
    const fs::path path = working / spool_name(spool);
    const std::uint64_t begin = lay_out_shard(path, {shard, placement.shards()}, input.classes(), rows);
    UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!fd) throw_errno("open", path.string());
    early.files_.push_back(
        {path, spool, begin, std::move(fd), std::make_unique<std::atomic<std::uint64_t>>(0)});
    for (std::size_t row = 0; row < rows.tables.rows(); ++row) {
      const ImportedSample& sample = samples[rows.tables.sample_id[row]];
      early.payloads_.push_back({sample.candidate, begin + rows.tables.offset[row], sample.bytes, shard});
    }
  }
  std::ranges::sort(early.payloads_, {}, &Payload::candidate);
  return early;
}

bool EarlyShards::store(std::span<const std::byte> payload, ImportedSample& sample) const {
  const auto at = std::ranges::lower_bound(payloads_, sample.candidate, {}, &Payload::candidate);
  if (at == payloads_.end() || at->candidate != sample.candidate || at->bytes != payload.size()) return false;
  const File& file = files_[at->file];
  pwrite_all(file.fd.get(), payload, at->begin, file.path);
  file.waiting->fetch_add(payload.size());
  sample.payload_spool = file.spool;
  sample.payload_begin = at->begin;
  return true;
}

void EarlyShards::hand_to_disk() const {
  for (const File& file : files_) {
    if (file.waiting->load() < kHandedToDisk) continue;
    file.waiting->store(0);
    // Only a hint, and so is its failure.
    ::sync_file_range(file.fd.get(), 0, 0, SYNC_FILE_RANGE_WRITE);
  }
}

std::optional<EarlyPayload> EarlyShards::complete(ShardPlace shard, const ShardRows& rows,
                                                  const std::vector<ImportedSample>& samples,
                                                  const SpoolReader& spools) const {
  if (shard.count != files_.size()) return std::nullopt;
  const File& file = files_[shard.index];
  std::vector<std::size_t> elsewhere;
  for (std::size_t row = 0; row < rows.tables.rows(); ++row) {
    const ImportedSample& sample = samples[rows.tables.sample_id[row]];
    if (sample.payload_spool != file.spool) {
      elsewhere.push_back(row);
    } else if (sample.payload_begin != file.payload_begin + rows.tables.offset[row]) {
      return std::nullopt;
    }
  }
  // What lies elsewhere by the whole is cut from there as well as any.
  if (elsewhere.size() > rows.tables.rows() / 2) return std::nullopt;
  std::vector<std::byte> payload;
  for (const std::size_t row : elsewhere) {
    const ImportedSample& sample = samples[rows.tables.sample_id[row]];
    payload.resize(sample.bytes);
    spools.read(sample.payload_spool, sample.payload_begin, payload);
    pwrite_all(file.fd.get(), payload, file.payload_begin + rows.tables.offset[row], file.path);
  }
  return EarlyPayload{file.path, file.payload_begin};
}

}  // namespace ft
