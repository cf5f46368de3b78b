#pragma once

#include "ft/config/config.h"

#include "origins.h"

namespace ft {

// What no single key can tell. Throws UsageError naming the keys and where they were given.
void check_keys_together(const Config& config, const Origins& origins);

}  // namespace ft
