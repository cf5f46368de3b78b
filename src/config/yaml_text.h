// Config values as text: what KeySpec::parse reads and KeySpec::format writes.
#pragma once

#include <string>

#include <yaml-cpp/yaml.h>

namespace ft {

// The text as a YAML scalar: plain when no reader could take it for anything else, in double quotes
// otherwise.
[[nodiscard]] std::string quote_if_needed(const std::string& text);

// One line of YAML that reads back as the same value; sequences and maps in flow style. Throws BadValue
// for a value that holds itself.
[[nodiscard]] std::string flow_text(const YAML::Node& node);

// A scalar written without quotes: the only form that numbers, booleans and words such as `auto` have.
[[nodiscard]] bool is_plain_scalar(const YAML::Node& node);

// "'five'", "a list", "nothing": the end of "expected an integer, got ...".
[[nodiscard]] std::string describe(const YAML::Node& node);

}  // namespace ft
