// Bringing a run's packed sets to this node's own storage before they are opened (`data.stage`).
#pragma once

#include "ft/config/config.h"
#include "ft/train/rank_context.h"

namespace ft {

// `config` with the paths of local copies in the place of data.train and, on the node where rank 0 evaluates,
// of data.test and data.val; as it came when data.stage is not set. One rank of each node copies, the others
// sleep, for as long as it takes. Collective. UsageError, DataError: as expand_variables and stage_sets.
[[nodiscard]] Config with_staged_data(const Config& config, const RankContext& context);

}  // namespace ft
