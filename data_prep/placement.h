// Which samples go to which shard, and what its tables say of them.
#pragma once

#include <cstdint>
#include <vector>

#include "ft/base/permutation.h"

#include "import_ledger.h"
#include "input_set.h"
#include "pack_pipeline.h"
#include "shard_writer.h"

namespace ft {

// No shard is empty: fewer samples than shards asked for make fewer shards.
[[nodiscard]] std::uint32_t shard_count(const std::vector<ImportedSample>& samples,
                                        const PackOptions& options);

// Samples are dealt out by one fixed permutation, so that no shard holds one class.
class Placement {
 public:
  Placement(const InputSet& input, const std::vector<ImportedSample>& samples, const PackOptions& options);

  [[nodiscard]] std::uint32_t shards() const noexcept { return shards_; }
  [[nodiscard]] ShardRows rows_of(std::uint32_t shard) const;

 private:
  [[nodiscard]] std::vector<std::uint64_t> ids_of(std::uint32_t shard) const;

  const InputSet& input_;
  const std::vector<ImportedSample>& samples_;
  bool restart_index_;
  std::uint32_t shards_;
  Permutation permutation_;
};

}  // namespace ft
