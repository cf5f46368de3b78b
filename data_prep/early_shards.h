// Shards whose payload is written while pictures are imported, each picture at once where it will lie. That
// is known beforehand when every candidate has been imported or is a file that can be stored as found, and
// these prove good. Where one does not, what was written is a spool like others, from which shards are cut.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "ft/base/file.h"

#include "import_record.h"
#include "input_set.h"
#include "pack_pipeline.h"
#include "payload_spool.h"
#include "shard_writer.h"

namespace ft {

// What can be said of candidates before they are imported.
struct Foresight {
  Foresight(const InputSet& input, const std::vector<std::uint64_t>& candidates);

  std::vector<ImportedSample> samples;    // as far as that decides where they lie
  std::vector<std::uint64_t> unforeseen;  // only an import can tell how large their payload is
};

class EarlyShards {
 public:
  // Lays the files out in `working`, as spools of this try, as if these samples (Foresight, ImportLedger)
  // made the set, in any order. Nothing where too many files would have to be open. Throws DataError.
  [[nodiscard]] static std::optional<EarlyShards> lay_out(const std::filesystem::path& working,
                                                          std::uint32_t attempt, const InputSet& input,
                                                          std::vector<ImportedSample> samples,
                                                          const PackOptions& options);

  // Writes the payload of sample.candidate, and notes in `sample` where; false when its size is not as
  // foreseen. Thread-safe; throws DataError.
  [[nodiscard]] bool store(std::span<const std::byte> payload, ImportedSample& sample) const;

  // Lets the disk begin with what was stored, now and then, so that less is waited for in the end. It may
  // take a moment: for a thread that has one.
  void hand_to_disk() const;

  // The file in which all the payload of this shard lies as the shard must have it, once what lies elsewhere
  // has been copied there. Nothing when more than that is amiss. For different shards thread-safe.
  [[nodiscard]] std::optional<EarlyPayload> complete(ShardPlace shard, const ShardRows& rows,
                                                     const std::vector<ImportedSample>& samples,
                                                     const SpoolReader& spools) const;

 private:
  struct File {
    std::filesystem::path path;
    std::uint32_t spool;          // its number
    std::uint64_t payload_begin;  // in it
    UniqueFd fd;
    std::unique_ptr<std::atomic<std::uint64_t>> waiting;  // bytes that the disk was not asked to write
  };
  struct Payload {
    std::uint64_t candidate;
    std::uint64_t begin;  // in the file
    std::uint64_t bytes;
    std::uint32_t file;
  };

  std::vector<File> files_;        // by shard
  std::vector<Payload> payloads_;  // ascending
};

}  // namespace ft
