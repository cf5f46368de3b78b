// The first half of packing: candidates are imported in parallel, on threads and on ranks; what is good goes
// to this rank's spool and journal.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "ft/comm/communicator.h"

#include "early_shards.h"
#include "input_set.h"
#include "journal.h"
#include "pack_pipeline.h"
#include "payload_spool.h"

namespace ft {

// Where one rank's imports go.
struct ImportOutput {
  SpoolWriter spool;
  JournalWriter journal;
  std::optional<EarlyShards> early;
};

// This rank's part of `wanted`: blocks dealt out in turn, so that neighbours of one kind go to all.
[[nodiscard]] std::vector<std::uint64_t> share_of_rank(const std::vector<std::uint64_t>& wanted, int rank,
                                                       int world_size);

// Imports `wanted` with all ranks and returns every rank's records (import_record.h), one after the other.
// Of a pack that ends at the first refused candidate, all before it are there. `show` is told now and then
// how many have been tried. Throws Interrupted on all ranks when one is asked to stop, and one rank's
// DataError on all.
[[nodiscard]] std::string import_candidates(const InputSet& input, const std::vector<std::uint64_t>& wanted,
                                            const PackOptions& options, ImportOutput& output,
                                            Communicator& ranks,
                                            const std::function<void(std::int64_t)>& show,
                                            const std::function<bool()>& stop_requested);

}  // namespace ft
