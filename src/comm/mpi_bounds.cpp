#include "mpi_bounds.h"

#include <algorithm>

#include <fmt/format.h>

#include "ft/base/host.h"

namespace ft {

namespace {

constexpr int kSpeakers = 2;
constexpr std::chrono::seconds kTurn{5};

}  // namespace

MpiBound mpi_bound(const std::string& call, std::chrono::seconds patience, int rank,
                   const std::string& host) {
  MpiBound bound;
  bound.patience = patience + kTurn * std::min(rank, kSpeakers);
  if (rank >= kSpeakers) return bound;
  bound.message = fmt::format(
      "ft_dist: error: rank {} on {}: {} has not come back in {} s (hint: a rank is gone, or the network "
      "between "
      "the nodes)\n",
      rank, host, call, bound.patience.count());
  return bound;
}

ExitDeadline bounded(const std::string& call, std::chrono::seconds patience, int rank) {
  const MpiBound bound = mpi_bound(call, patience, rank, host_name());
  return {bound.patience, ExitCode::kPeer, bound.message};
}

}  // namespace ft
