// From a YAML file and --set overrides to a checked Config, and back to text.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "ft/config/config.h"

namespace ft {

// Throws UsageError "file:line:column: key: why" with the nearest valid key as the hint. Overrides are
// "section.key=value"; their errors name the override. Relative paths become absolute (against the working
// directory). Checks that need more than one key (for example warm-up longer than the run) happen here too.
// `file` may be absent: then defaults and overrides alone.
[[nodiscard]] Config load_config(const std::optional<std::filesystem::path>& file,
                                 const std::vector<std::string>& overrides);

// The resolved config as YAML, every key, in the schema's order; load_config reads it back to an equal
// Config.
[[nodiscard]] std::string to_yaml(const Config& config);

// XXH3-128 over every key that must match on resume ("key=value" lines).
[[nodiscard]] std::string config_fingerprint(const Config& config);

// "train.batch_size: 128 there, 64 here" for each key that must match and does not.
[[nodiscard]] std::vector<std::string> differences_that_matter(const Config& saved, const Config& current);

// The same for all keys, "train.batch_size: 128 in the first, 64 in the second": ranks of one run must agree
// on everything.
[[nodiscard]] std::vector<std::string> all_differences(const Config& a, const Config& b);

}  // namespace ft
