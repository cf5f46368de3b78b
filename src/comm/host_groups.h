// Which ranks share a host with which, as an all-reduce in two levels wants it.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace ft {

// One rank's view. Both in ascending order of ranks and hosts; both hold the rank itself.
struct HostGroups {
  std::vector<int> here;    // the ranks of this host
  std::vector<int> across;  // the ranks that have this rank's place on their hosts

  [[nodiscard]] bool two_levels() const noexcept { return here.size() > 1 && across.size() > 1; }
};

// `hosts`: by rank, what tells hosts apart. Both groups hold the rank alone where hosts have unequal numbers
// of ranks. Hosts count in the order of their first rank. Pure.
[[nodiscard]] HostGroups host_groups(std::span<const std::string> hosts, int rank);

}  // namespace ft
