#include "mpi_bounds.h"

#include <algorithm>

#include <fmt/format.h>

#include "ft/base/host.h"

namespace ft {

namespace {

constexpr std::chrono::seconds kTurn{5};
// Hosts after the third share its turn.
constexpr int kHostTurns = 2;
constexpr int kUnderstudy = kHostTurns + 1;
constexpr int kSilent = kUnderstudy + 1;

// With ranks dealt out host by host; other ways only make two hosts share a turn.
int turn_of(const LauncherEnvironment& place) {
  if (place.rank == 0) return 0;
  if (place.local_rank == 0) return std::clamp(place.rank / std::max(place.local_size, 1), 1, kHostTurns);
  return place.rank == 1 ? kUnderstudy : kSilent;
}

}  // namespace

MpiBound mpi_bound(const std::string& call, std::chrono::seconds patience, const LauncherEnvironment& place,
                   const std::string& host) {
  const int turn = turn_of(place);
  MpiBound bound;
  bound.patience = patience + kTurn * turn;
  if (turn == kSilent) return bound;
  bound.message = fmt::format(
      "ft_dist: error: rank {} on {}: {} has not come back in {} s (hint: a rank is gone, or the network "
      "between the nodes)\n",
      place.rank, host, call, bound.patience.count());
  return bound;
}

ExitDeadline bounded(const std::string& call, std::chrono::seconds patience,
                     const LauncherEnvironment& place) {
  const MpiBound bound = mpi_bound(call, patience, place, host_name());
  return {bound.patience, ExitCode::kPeer, bound.message};
}

}  // namespace ft
