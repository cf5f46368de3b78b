// What an earlier, interrupted try left, checked before it is believed.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include <nlohmann/json.hpp>

#include "input_set.h"
#include "working_directory.h"

namespace ft {

struct EarlierTries {
  std::string records;        // of the samples that can be used (import_record.h)
  std::uint64_t samples = 0;  // how many these are
  std::uint64_t dropped = 0;  // no longer usable: the input has changed since, or the payload is damaged
  std::uint32_t tries = 0;
};

// On rank 0. Clears the directory when `key` (what the imports depend on) is another than its own, saying so
// in `notice`, and writes the key. Reads the journals; each sample's input must be as it was (by stamp) and
// its payload in the spool must match its hash. Candidates that were refused are not remembered: a file may
// have become readable. `stop_requested` is asked before each sample; Interrupted leaves what is there.
[[nodiscard]] EarlierTries take_up(WorkingDirectory& directory, const nlohmann::ordered_json& key,
                                   const InputSet& input, int workers,
                                   const std::function<bool()>& stop_requested, std::string& notice);

}  // namespace ft
