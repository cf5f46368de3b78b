// The words for what preflight.h measures. Pure.
#pragma once

#include <string>
#include <vector>

#include "ft/comm/clock_offsets.h"
#include "ft/comm/link_probe.h"

namespace ft::app {

struct Preflight {
  AllReduceSpeed all_reduce;
  std::vector<LinkSpeed> links;     // rank 0 of a thorough one; slowest first
  std::vector<ClockOffset> clocks;  // rank 0
};

// "all-reduce 60 us, of 1 MiB 920 us (1.1 GB/s)"; empty in a world of one.
[[nodiscard]] std::string describe_all_reduce(const AllReduceSpeed& speed);
// "rank 0 on n0 - rank 2 on n1", and with its figures after that ": 110 MB/s, 210 us".
[[nodiscard]] std::string describe_ends(const LinkSpeed& link, const std::vector<RankPlace>& places);
[[nodiscard]] std::string describe_link(const LinkSpeed& link, const std::vector<RankPlace>& places);
// "clocks within 0.4 ms"; empty in a world of one.
[[nodiscard]] std::string describe_clocks(const std::vector<ClockOffset>& clocks);

// What a user should know, one line each: a network that will hold the training up, one link between
// hosts slower than the others, clocks that differ by a second.
[[nodiscard]] std::vector<std::string> preflight_warnings(const Preflight& found,
                                                          const std::vector<RankPlace>& places);

}  // namespace ft::app
