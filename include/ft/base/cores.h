// The processors that this process may use: what the scheduler, mpirun's binding and cgroups left it.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace ft {

// Ids of the allowed logical processors, ascending (sched_getaffinity). Never empty.
[[nodiscard]] std::vector<int> allowed_cores();

// "0-3,8": the form that taskset and Slurm use.
[[nodiscard]] std::string format_core_list(const std::vector<int>& cores);
// Its inverse. What is no number ends the list: the kernel writes these, and nobody else.
[[nodiscard]] std::vector<int> parse_core_list(std::string_view text);

// The NUMA nodes that these cores belong to, ascending; empty where the kernel does not say. Tests pass
// another `root` with node0/cpulist, node1/cpulist, ... in it.
[[nodiscard]] std::vector<int> numa_nodes(const std::vector<int>& cores,
                                          const std::filesystem::path& root = "/sys/devices/system/node");

// How many of `mine` this rank may count as its own, when the ranks of its node have the masks `all` (its own
// among them): ranks with overlapping masks share those cores evenly. At least 1.
[[nodiscard]] int core_budget(const std::vector<int>& mine, const std::vector<std::vector<int>>& all);

}  // namespace ft
