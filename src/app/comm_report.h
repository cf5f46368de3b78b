// What `ft_dist bench comm` says: the table with nccl-tests' columns, and the JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace ft::app {

// One size. Seconds of one all-reduce, the mean over the ranks of each one's median.
struct CommRate {
  std::uint64_t bytes = 0;  // of the data in the type that travels
  std::uint64_t count = 0;
  double seconds = 0;
  std::uint64_t wrong = 0;                           // elements that are not the sum
  std::uint64_t rounds = 0;                          // batches on each rank
  std::optional<double> mpi_seconds = std::nullopt;  // MPI_Allreduce of `count` float32
};

struct CommRates {
  std::string backend;  // "mpi", "nccl"
  std::string type;     // "fp32", "bf16"
  int ranks = 1;
  int hosts = 1;
  std::vector<CommRate> sizes = {};
};

// bytes / seconds, in 1e9 bytes a second.
[[nodiscard]] double algorithm_bandwidth(std::uint64_t bytes, double seconds);
// What a link carries when no byte travels twice: times 2 (n - 1) / n.
[[nodiscard]] double bus_bandwidth(std::uint64_t bytes, double seconds, int ranks);

[[nodiscard]] std::string comm_table(const CommRates& rates);
[[nodiscard]] nlohmann::ordered_json to_json(const CommRates& rates);

// `least`, twice that, ... up to `most`; multiples of `element_bytes`, at least one element.
[[nodiscard]] std::vector<std::uint64_t> doubling_sizes(std::uint64_t least, std::uint64_t most,
                                                        std::uint64_t element_bytes);

}  // namespace ft::app
