// What the manifest and the closing table say of a pack.
#pragma once

#include "import_ledger.h"
#include "pack_pipeline.h"
#include "payload_spool.h"

namespace ft {

[[nodiscard]] nlohmann::ordered_json options_that_decide(const InputSet& input, const PackOptions& options);

// Looks for the same picture twice, and then fills in the rest. On rank 0. Throws DataError and Interrupted.
[[nodiscard]] PackResult summarize(const InputSet& input, const PackOptions& options, Imported imported,
                                   std::vector<ShardEntry> shards, const SpoolReader& spools,
                                   const std::function<bool()>& stop_requested);

}  // namespace ft
