#include "ft/comm/agreement.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ft/base/error.h"
#include "ft/base/host.h"

#include "text_fields.h"

namespace ft {

namespace {

constexpr std::size_t kNamedAtMost = 8;

struct Failure {
  int rank = 0;
  std::string host;
  ExitCode code = ExitCode::kBug;
  std::string what;
  std::string hint;
};

std::optional<Failure> run(const std::function<void()>& action, int rank) {
  try {
    action();
    return std::nullopt;
  } catch (const Error& error) {
    return Failure{rank, host_name(), error.code(), error.what(), error.hint()};
  } catch (const std::exception& error) {
    return Failure{rank, host_name(), ExitCode::kBug, error.what(), {}};
  } catch (...) {
    return Failure{rank, host_name(), ExitCode::kBug, "an exception of an unknown kind", {}};
  }
}

// No failure is the empty string.
std::string encode(const std::optional<Failure>& failure) {
  if (!failure) return {};
  return join_fields(
      {failure->host, std::to_string(static_cast<int>(failure->code)), failure->what, failure->hint});
}

std::vector<Failure> decode(const std::vector<std::string>& outcomes) {
  std::vector<Failure> failures;
  for (std::size_t r = 0; r < outcomes.size(); ++r) {
    if (outcomes[r].empty()) continue;
    auto fields = split_fields(outcomes[r]);
    failures.push_back({static_cast<int>(r), std::move(fields.at(0)),
                        static_cast<ExitCode>(std::stoi(fields.at(1))), std::move(fields.at(2)),
                        std::move(fields.at(3))});
  }
  return failures;
}

// "rank 2 (n1)", "ranks 1, 3 (n1, n2)", "ranks 0, 1, 2, 3, 4, 5, 6, 7 and 120 more (n1)".
std::string name_ranks(const std::vector<Failure>& failures) {
  std::vector<int> ranks;
  std::vector<std::string> hosts;
  for (const auto& failure : failures) {
    if (ranks.size() < kNamedAtMost) ranks.push_back(failure.rank);
    const bool known = std::find(hosts.begin(), hosts.end(), failure.host) != hosts.end();
    if (!known && hosts.size() < kNamedAtMost) hosts.push_back(failure.host);
  }
  const std::size_t unnamed = failures.size() - ranks.size();
  return fmt::format("rank{} {}{} ({})", failures.size() > 1 ? "s" : "", fmt::join(ranks, ", "),
                     unnamed > 0 ? fmt::format(" and {} more", unnamed) : "", fmt::join(hosts, ", "));
}

}  // namespace

void agree(Communicator& communicator, std::string_view what, const std::function<void()>& action) {
  const auto mine = run(action, communicator.rank());
  std::vector<std::string> outcomes;
  try {
    outcomes = communicator.all_gather(encode(mine), what);
  } catch (const Error&) {
    // The peers cannot be told; what went wrong here explains more than that.
    if (mine) throw Error(mine->code, mine->what, mine->hint);
    throw;
  }
  const auto failures = decode(outcomes);
  if (failures.empty()) return;
  const auto& first = failures.front();
  // Whoever reports says which rank it is: what only rank 0 met (or all did) needs no second name.
  const bool named_already = failures.size() == outcomes.size() || (failures.size() == 1 && first.rank == 0);
  Error error(first.code, named_already ? first.what : name_ranks(failures) + ": " + first.what, first.hint);
  error.mark_known_to_all();
  if (!named_already) error.mark_names_its_ranks();
  throw error;
}

}  // namespace ft
