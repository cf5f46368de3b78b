#include "host_groups.h"

#include <algorithm>

namespace ft {

HostGroups host_groups(std::span<const std::string> hosts, int rank) {
  std::vector<std::string> names;
  std::vector<std::vector<int>> members;
  for (std::size_t r = 0; r < hosts.size(); ++r) {
    const auto known = std::ranges::find(names, hosts[r]);
    if (known == names.end()) {
      names.push_back(hosts[r]);
      members.emplace_back();
    }
    const auto index = std::ranges::find(names, hosts[r]) - names.begin();
    members[static_cast<std::size_t>(index)].push_back(static_cast<int>(r));
  }
  const auto as_many = [&](const std::vector<int>& ranks) { return ranks.size() == members.front().size(); };
  if (!std::ranges::all_of(members, as_many)) return {{rank}, {rank}};

  HostGroups groups;
  for (const std::vector<int>& ranks : members) {
    if (std::ranges::find(ranks, rank) != ranks.end()) groups.here = ranks;
  }
  const auto place = std::ranges::find(groups.here, rank) - groups.here.begin();
  for (const std::vector<int>& ranks : members) {
    groups.across.push_back(ranks[static_cast<std::size_t>(place)]);
  }
  return groups;
}

}  // namespace ft
