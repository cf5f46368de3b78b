#include "same_on_all_ranks.h"

#include <sstream>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ft/base/error.h"
#include "ft/base/host.h"
#include "ft/comm/agreement.h"

#include "version.h"

namespace ft::app {
namespace {

constexpr std::size_t kNamedAtMost = 4;

std::string first_difference(const std::string& a, const std::string& b) {
  std::istringstream lines_a(a), lines_b(b);
  std::string line_a, line_b;
  while (std::getline(lines_a, line_a)) {
    if (!std::getline(lines_b, line_b)) line_b = "nothing";
    if (line_a != line_b) return fmt::format("'{}' there, '{}' on rank 0", line_b, line_a);
  }
  return "more there than on rank 0";
}

// "rank 1 on n1", "rank 1 on n1, rank 3 on n2 and 4 more ranks".
std::string name_ranks(const std::vector<std::size_t>& ranks, const std::vector<std::string>& hosts) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < ranks.size() && i < kNamedAtMost; ++i) {
    names.push_back(fmt::format("rank {} on {}", ranks[i], hosts[ranks[i]]));
  }
  const std::size_t more = ranks.size() - names.size();
  return fmt::format("{}{}", fmt::join(names, ", "),
                     more == 0 ? "" : fmt::format(" and {} more rank{}", more, more == 1 ? "" : "s"));
}

[[noreturn]] void refuse(const std::string& what, const std::string& hint) {
  UsageError error(what, hint);
  error.mark_known_to_all();
  throw error;
}

}  // namespace

void require_same_on_all_ranks(Communicator& host, const std::string& lines, const std::string& what) {
  const std::vector<std::string> all = host.all_gather(lines, "comparing " + what);
  for (std::size_t rank = 1; rank < all.size(); ++rank) {
    if (all[rank] == all[0]) continue;
    refuse(
        fmt::format("{} differs between ranks: rank {}: {}", what, rank, first_difference(all[0], all[rank])),
        "start every rank with the same files and options");
  }
}

void require_same_program(Communicator& host) {
  if (host.world_size() == 1) return;
  std::string mine;
  agree(host, "looking which program this is", [&] { mine = program_facts(); });
  const std::vector<std::string> all = host.all_gather(mine, "comparing the programs");
  std::vector<std::size_t> others;
  for (std::size_t rank = 1; rank < all.size(); ++rank) {
    if (all[rank] != all[0]) others.push_back(rank);
  }
  if (others.empty()) return;  // the same everywhere: all ranks know
  const std::vector<std::string> hosts = host.all_gather(host_name(), "naming the hosts");
  refuse(fmt::format("{} run{} another program: {}", name_ranks(others, hosts), others.size() == 1 ? "s" : "",
                     first_difference(all[0], all[others.front()])),
         "copy one build to the same path on every node, with the LibTorch that it was built with, and start "
         "that");
}

}  // namespace ft::app
