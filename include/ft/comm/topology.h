// Who runs where: the table of ranks, hosts, devices and cores that every start-up prints.
#pragma once

#include <string>
#include <vector>

#include "ft/comm/communicator.h"

namespace ft {

struct RankPlace {
  int rank = 0;
  std::string host;
  int local_rank = 0;
  int local_size = 1;
  std::vector<int> cores;  // affinity mask
  std::vector<int> numa;   // nodes that these cores belong to; empty where the kernel does not say
  int core_budget = 1;     // its even share of cores that other ranks of the node may use too
  std::string device;      // "cpu", "cuda:1 NVIDIA H100 (GPU-uuid)"
};

// Gathers everyone's place; local ranks are counted by host name. All ranks get the same table.
[[nodiscard]] std::vector<RankPlace> gather_topology(Communicator& communicator, const std::string& device);

// What a user should know at once: several ranks on one GPU, masks narrower than the threads asked for, a
// world of one under a launcher that started several. One line each; empty when all is well.
[[nodiscard]] std::vector<std::string> topology_warnings(const std::vector<RankPlace>& places, int threads);

}  // namespace ft
