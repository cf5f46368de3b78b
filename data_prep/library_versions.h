// What decides the bytes of imported samples besides the input and the options.
#pragma once

#include <nlohmann/json.hpp>

namespace ft {

// This program's version, the libraries' that decode and encode (as they are loaded, where they tell), and
// the form of the journal's records.
[[nodiscard]] nlohmann::ordered_json versions_that_decide();

}  // namespace ft
