#include "inquiry.h"

#include <algorithm>

#include "ft/base/error.h"

#include "doorway.h"

namespace ft {

namespace {

// However clear the case: what a lower rank has said may still be in the listener's queue, or on its way.
constexpr std::chrono::milliseconds kSettle{60};

}  // namespace

Inquiry::Inquiry(int rank, const Roster& roster, TimePoint now) : since_(now) {
  asked_.reserve(static_cast<std::size_t>(rank));
  const auto own = roster.ranks[static_cast<std::size_t>(rank)].address.host;
  for (int below = 1; below < rank; ++below) {
    const auto& address = roster.ranks[static_cast<std::size_t>(below)].address;
    Asked asked{below, Connection(connect_to(address, own), true)};
    asked.connection.send(hello(roster.token, rank, Nature::kAsk));
    asked_.push_back(std::move(asked));
  }
}

void Inquiry::add_to(PollSet& set) {
  for (auto& asked : asked_) asked.place = set.add(asked.connection.descriptor(), asked.connection.events());
}

std::optional<Verdict> Inquiry::hear(const PollSet& set) {
  std::optional<Verdict> verdict;
  for (auto& asked : asked_) {
    for (const auto& message : asked.connection.handle(set.found(asked.place))) {
      if (message.kind == MessageKind::kAlive) asked.alive = true;
      if (message.kind != MessageKind::kVerdict || verdict) continue;
      try {
        verdict = verdict_from(message);
      } catch (const Error&) {
        asked.connection.close();
      }
    }
  }
  return verdict;
}

bool Inquiry::nobody_below(TimePoint now, const LivenessTiming& timing) const {
  if (now - since_ < (asked_.empty() ? std::chrono::milliseconds(0) : kSettle)) return false;
  const bool too_late = now - since_ >= timing.inquiry;
  return std::ranges::all_of(
      asked_, [&](const Asked& asked) { return !asked.connection.open() || (too_late && !asked.alive); });
}

bool Inquiry::left_waiting(TimePoint now, const LivenessTiming& timing) const {
  return now - since_ >= timing.verdict;
}

std::vector<int> Inquiry::answered() const {
  std::vector<int> ranks;
  for (const auto& asked : asked_) {
    if (asked.alive && asked.connection.open()) ranks.push_back(asked.rank);
  }
  return ranks;
}

std::vector<int> Inquiry::unanswered() const {
  std::vector<int> ranks;
  for (const auto& asked : asked_) {
    if (!asked.alive || !asked.connection.open()) ranks.push_back(asked.rank);
  }
  return ranks;
}

}  // namespace ft
