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

// "4 ranks on 2 hosts, cuda".
[[nodiscard]] std::string describe_world(const std::vector<RankPlace>& places, bool on_gpus);
// "240 steps of 128 images", of a resumed run "step 121 to 240, of 128 images"; with
// none left "240 steps done already".
[[nodiscard]] std::string describe_steps(std::uint64_t done, std::uint64_t last, int batch_size);
// "ready: FACT, FACT", and with warnings "ready (2 warnings): ...": the line that a preflight ends with.
// Empty facts are left out.
[[nodiscard]] std::string ready_verdict(std::size_t warnings, const std::vector<std::string>& facts);

// What a user should know, one line each: a network that will hold the training up, one link between
// hosts slower than the others, clocks that differ by a second.
[[nodiscard]] std::vector<std::string> preflight_warnings(const Preflight& found,
                                                          const std::vector<RankPlace>& places);

}  // namespace ft::app
