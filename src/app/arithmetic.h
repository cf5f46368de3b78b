// What decides the last digits of a forward and backward pass, for `dist.elastic`, whose bits are the same
// only where these are.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "ft/train/checkpoint.h"
#include "ft/train/rank_context.h"

namespace ft::app {

// Of this rank: kind of device, instruction set, LibTorch, computing threads. A run records rank 0's.
[[nodiscard]] nlohmann::ordered_json arithmetic_facts(const RankContext& context);

// "threads 2 there, 1 here", one for each fact that differs; facts that `saved` lacks do not.
[[nodiscard]] std::vector<std::string> arithmetic_differences(const nlohmann::ordered_json& saved,
                                                              const nlohmann::ordered_json& current);

// One line when ranks differ from each other, and one when this start differs from the checkpoint's (nothing
// for a fresh start). Collective; empty on ranks other than 0.
[[nodiscard]] std::vector<std::string> arithmetic_warnings(const RankContext& context,
                                                           const std::optional<Checkpoint>& checkpoint);

}  // namespace ft::app
