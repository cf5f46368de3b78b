// A packed set's shards in the page cache: putting them out of it, and looking whether they are there.
#pragma once

#include "ft/data/packed_set.h"

namespace ft::bench {

// A request that the kernel may leave undone, for pages that somebody maps, for one: look afterwards.
void drop_from_page_cache(const PackedSet& set);

// The share of the shards' pages that is in memory. For files of others the kernel may say "all".
[[nodiscard]] double resident_share(const PackedSet& set);

}  // namespace ft::bench
