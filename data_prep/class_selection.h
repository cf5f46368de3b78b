// --classes: which of the classes found are wanted.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ft {

// The indices into `found` of the wanted names, ascending, each once; all of them when nothing is asked for.
// A name may also be one of `aliases` (as long as `found`, or empty). Throws UsageError for an unknown name,
// with the nearest known one, and for a choice of fewer than two.
[[nodiscard]] std::vector<std::size_t> select_classes(const std::vector<std::string>& found,
                                                      const std::vector<std::string>& aliases,
                                                      const std::vector<std::string>& wanted);

// The name with the smallest edit distance to `name`, ignoring case; the first of equals. `names` is not
// empty.
[[nodiscard]] const std::string& nearest_name(std::string_view name, const std::vector<std::string>& names);

}  // namespace ft
