// Where each key that was given came from, for the errors that only a look at several keys can find.
#pragma once

#include <map>
#include <string>

namespace ft {

// Key -> "configs/x.yaml:12:5" or "--set train.epochs=3". Keys at their defaults are absent.
using Origins = std::map<std::string, std::string>;

}  // namespace ft
