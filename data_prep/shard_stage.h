// The second half of packing: shards are written from the spools, on threads and on ranks.
#pragma once

#include <filesystem>
#include <functional>
#include <vector>

#include "ft/comm/communicator.h"
#include "ft/data/manifest.h"

#include "early_shards.h"
#include "pack_pipeline.h"
#include "payload_spool.h"
#include "placement.h"

namespace ft {

// Writes shard i on rank i mod world, into the working directory's set/; shards that an earlier try has
// completed are kept once their hash is found right, and those that `early` (null: none) holds need not be
// cut. Returns all entries, on every rank. Throws as
// import_candidates does.
[[nodiscard]] std::vector<ShardEntry> write_shards(const std::filesystem::path& working,
                                                   const InputSet& input,
                                                   const std::vector<ImportedSample>& samples,
                                                   const PackOptions& options, const SpoolReader& spools,
                                                   const EarlyShards* early, Communicator& ranks,
                                                   const std::function<bool()>& stop_requested);

}  // namespace ft
