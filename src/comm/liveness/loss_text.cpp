#include "loss_text.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ft/comm/liveness/network_interface.h"

namespace ft {

namespace {

constexpr std::size_t kNamedAtMost = 16;

// "rank 3 on n1", "ranks 2, 3 on n1", "rank 1 on n0, ranks 2, 3 on n1".
std::string name_ranks(std::span<const LostRank> lost) {
  std::string text;
  const auto named = lost.first(std::min(lost.size(), kNamedAtMost));
  for (std::size_t begin = 0; begin < named.size();) {
    std::size_t end = begin + 1;
    while (end < named.size() && named[end].where.host == named[begin].where.host) ++end;
    std::vector<int> ranks;
    for (std::size_t i = begin; i < end; ++i) ranks.push_back(named[i].rank);
    text += fmt::format("{}rank{} {} on {}", text.empty() ? "" : ", ", ranks.size() > 1 ? "s" : "",
                        fmt::join(ranks, ", "), named[begin].where.host);
    begin = end;
  }
  if (lost.size() > named.size()) text += fmt::format(" and {} more", lost.size() - named.size());
  return text;
}

std::string how_it_went(const LostRank& rank) {
  std::string text =
      rank.closed ? "connection closed" : fmt::format("silent for {:.1f} s", rank.silent.count());
  if (!rank.last) return text;
  const std::string doing = rank.last->to_string();
  if (doing.empty()) return text;
  if (rank.closed) return text + fmt::format(", {:.1f} s before {}", rank.silent.count(), doing);
  return text + ", last " + doing;
}

// A port that refuses is no proof: it may be another machine's.
std::string wrong_address(const LostRank& rank, bool among_others) {
  const auto& address = rank.where.address;
  return fmt::format("{}:{} is not {}", format_address(address.host), address.port,
                     among_others ? fmt::format("that of rank {}", rank.rank) : "its address");
}

}  // namespace

Verdict describe_loss(std::span<const LostRank> lost, const ActivityReport& here) {
  Verdict verdict;
  verdict.own_words = true;
  for (const auto& rank : lost) verdict.ranks.push_back(rank.rank);
  const LostRank& first = lost.front();
  const bool many = lost.size() > 1;
  verdict.text = first.never_joined ? fmt::format("{} {} ended, or {} (connection refused)", name_ranks(lost),
                                                  many ? "have" : "has", wrong_address(first, many))
                                    : fmt::format("{} {} gone ({})", name_ranks(lost), many ? "are" : "is",
                                                  how_it_went(first));
  const std::string doing = here.to_string();
  if (!doing.empty()) verdict.text += " " + doing;
  verdict.hint = fmt::format("look at logs/rank-{:04}.log on {}", first.rank, first.where.host);
  if (first.never_joined) verdict.hint += fmt::format("; {}", Watcher::kNetworkHint);
  return verdict;
}

bool waits_in(const ActivityReport& last, std::string_view what) {
  return last.waiting && last.operation == what;
}

std::string describe_busy(int rank, const std::string& host, const ActivityReport& last,
                          std::chrono::duration<double> since_heard) {
  const std::string doing = last.to_string();
  return fmt::format("rank {} on {}{}{} (for {:.1f} s)", rank, host, doing.empty() ? "" : " ", doing,
                     (last.age + since_heard).count());
}

Verdict describe_failure(int rank, const std::string& host, const OwnFailure& failure) {
  Verdict verdict;
  verdict.ranks = {rank};
  verdict.text = fmt::format("rank {} on {} ended with an error: {}", rank, host, failure.what);
  verdict.failed = true;
  verdict.own_words = !failure.said;
  return verdict;
}

}  // namespace ft
