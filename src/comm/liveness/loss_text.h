// The one line that says who is lost.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "message.h"
#include "watcher.h"

namespace ft {

struct LostRank {
  int rank = 0;
  Roster::Entry where;
  bool closed = false;                      // its connection ended; otherwise it was silent
  std::chrono::duration<double> silent{0};  // since it was last heard
  std::optional<ActivityReport> last = {};  // what it said then
  bool never_joined = false;                // its port refuses, and always did
};

// `lost` in ascending order, not empty; `here`: what the speaker does.
[[nodiscard]] Verdict describe_loss(std::span<const LostRank> lost, const ActivityReport& here);
// Whether a rank that was last heard to do that waits in `what`, as the one does that asks.
[[nodiscard]] bool waits_in(const ActivityReport& last, std::string_view what);
// "rank 2 on n1 in step 12, loading images (for 4.2 s)", of a rank that others wait for.
[[nodiscard]] std::string describe_busy(int rank, const std::string& host, const ActivityReport& last,
                                        std::chrono::duration<double> since_heard);
[[nodiscard]] Verdict describe_failure(int rank, const std::string& host, const OwnFailure& failure);

}  // namespace ft
