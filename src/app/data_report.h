// What `ft_dist bench data` says: tables, the bar, JSON.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "ft/data/manifest.h"

#include "loader_rates.h"

namespace ft::app {

// A row for each number of threads: images/s in all, per thread, and per second of CPU time.
[[nodiscard]] std::string threads_table(const std::vector<LoaderRate>& rates);

// Where the workers' time went, per image.
[[nodiscard]] std::string stage_table(const LoaderStats& stages);

// Reading alone: what the disk's cache gives, and what hash and set cost on top.
[[nodiscard]] std::string reading_text(const ReadRates& rates);

// Who waits for whom, when the model takes `model_rate` images/s and data comes at `data_rate` with `threads`
// threads; 0: it is not known, and the text says what could be fed. `cheaper`: advice for when data is slow.
[[nodiscard]] std::string bottleneck_text(double data_rate, int threads, double model_rate,
                                          const std::string& cheaper);

// How to pack the same pictures so that they cost less to decode; empty when there is nothing left to do.
[[nodiscard]] std::string cheaper_packing(const Manifest& manifest);

[[nodiscard]] nlohmann::ordered_json to_json(const LoaderRate& rate);
[[nodiscard]] nlohmann::ordered_json to_json(const ReadRates& rates);

}  // namespace ft::app
