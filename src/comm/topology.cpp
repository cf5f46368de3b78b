#include "ft/comm/topology.h"

#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ft/base/cores.h"
#include "ft/base/host.h"
#include "ft/comm/launcher.h"

#include "text_fields.h"

namespace ft {

namespace {

std::map<std::string, std::vector<std::size_t>> ranks_by_host(const std::vector<RankPlace>& places) {
  std::map<std::string, std::vector<std::size_t>> ranks;
  for (std::size_t r = 0; r < places.size(); ++r) ranks[places[r].host].push_back(r);
  return ranks;
}

void fill_in_node_shares(std::vector<RankPlace>& places) {
  for (const auto& [host, ranks] : ranks_by_host(places)) {
    std::vector<std::vector<int>> masks;
    for (const std::size_t r : ranks) masks.push_back(places[r].cores);
    for (std::size_t i = 0; i < ranks.size(); ++i) {
      auto& place = places[ranks[i]];
      place.local_rank = static_cast<int>(i);
      place.local_size = static_cast<int>(ranks.size());
      place.core_budget = core_budget(place.cores, masks);
    }
  }
}

// What tells GPUs apart. Each rank may see its own GPU as cuda:0 (CUDA_VISIBLE_DEVICES), so that the UUID in
// the closing parentheses decides where there is one.
std::string gpu_identity(const std::string& device) {
  if (!device.starts_with("cuda")) return {};
  const auto open = device.rfind('(');
  return open == std::string::npos ? device : device.substr(open);
}

void warn_of_shared_gpus(const std::vector<RankPlace>& places, std::vector<std::string>& warnings) {
  std::map<std::pair<std::string, std::string>, std::vector<int>> users;
  for (const auto& place : places) {
    if (auto gpu = gpu_identity(place.device); !gpu.empty()) {
      users[{place.host, std::move(gpu)}].push_back(place.rank);
    }
  }
  for (const auto& [gpu, ranks] : users) {
    if (ranks.size() == 1) continue;
    const auto& device = places[static_cast<std::size_t>(ranks.front())].device;
    warnings.push_back(fmt::format("ranks {} share {} on {}: start no more ranks than GPUs",
                                   fmt::join(ranks, ", "), device, gpu.first));
  }
}

void warn_of_few_cores(const std::vector<RankPlace>& places, int threads,
                       std::vector<std::string>& warnings) {
  std::vector<int> short_of_cores;
  for (const auto& place : places) {
    if (place.core_budget < threads) short_of_cores.push_back(place.rank);
  }
  if (short_of_cores.empty()) return;
  const auto& example = places[static_cast<std::size_t>(short_of_cores.front())];
  warnings.push_back(fmt::format(
      "{} threads asked for, but {} of {} ranks have fewer cores: rank {} on {} may use {} of its cores {} "
      "(train.threads: auto fits; mpirun --bind-to none lifts a binding)",
      threads, short_of_cores.size(), places.size(), example.rank, example.host, example.core_budget,
      format_core_list(example.cores)));
}

}  // namespace

std::vector<RankPlace> gather_topology(Communicator& communicator, const std::string& device) {
  const std::vector<int> cores = allowed_cores();
  const auto mine =
      join_fields({host_name(), format_core_list(cores), device, format_core_list(numa_nodes(cores))});
  const auto everyone = communicator.all_gather(mine, "gathering the table of ranks");
  std::vector<RankPlace> places;
  for (const auto& text : everyone) {
    auto fields = split_fields(text);
    RankPlace place;
    place.rank = static_cast<int>(places.size());
    place.host = std::move(fields.at(0));
    place.cores = parse_core_list(fields.at(1));
    place.device = std::move(fields.at(2));
    place.numa = parse_core_list(fields.at(3));
    places.push_back(std::move(place));
  }
  fill_in_node_shares(places);
  return places;
}

std::vector<std::string> topology_warnings(const std::vector<RankPlace>& places, int threads) {
  std::vector<std::string> warnings;
  warn_of_shared_gpus(places, warnings);
  warn_of_few_cores(places, threads, warnings);
  const auto launcher = launcher_environment();
  if (places.size() == 1 && launcher.world_size > 1) {
    warnings.push_back(fmt::format("a world of one, though {} started {} ranks: each trains on its own",
                                   launcher.launcher, launcher.world_size));
  }
  return warnings;
}

}  // namespace ft
