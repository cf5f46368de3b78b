#include "inquiry.h"

#include <algorithm>

#include "ft/base/error.h"

#include "doorway.h"

namespace ft {

namespace {

// More than the ranks of one host, so that the first question finds somebody if only that host is gone.
constexpr int kFirstAsked = 12;
// The share of an answer's time after which more are asked.
constexpr int kAskMoreShare = 6;

}  // namespace

Inquiry::Inquiry(int rank, const Roster& roster, TimePoint now)
    : rank_(rank), roster_(roster), since_(now), asked_at_(now), batch_(kFirstAsked) {
  asked_.reserve(static_cast<std::size_t>(rank));
  ask_next(now);
}

void Inquiry::ask_next(TimePoint now) {
  const auto own = roster_.ranks[static_cast<std::size_t>(rank_)].address.host;
  for (int left = batch_; left > 0 && next_ < rank_; --left, ++next_) {
    Asked asked{next_, Connection::to(roster_.ranks[static_cast<std::size_t>(next_)].address, own), now};
    asked.connection.send(hello(roster_.token, rank_, Nature::kAsk));
    asked_.push_back(std::move(asked));
  }
  batch_ *= 2;
  asked_at_ = now;
}

void Inquiry::add_to(PollSet& set) {
  for (auto& asked : asked_) {
    asked.place = set.add(asked.connection.descriptor(), asked.connection.events());
    asked.polled = true;
  }
}

std::optional<Verdict> Inquiry::hear(const PollSet& set) {
  std::optional<Verdict> verdict;
  for (auto& asked : asked_) {
    if (!asked.polled) continue;
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

void Inquiry::ask_more(TimePoint now, const LivenessTiming& timing) {
  if (next_ >= rank_ || !answered().empty()) return;
  const bool all_gone =
      std::ranges::all_of(asked_, [](const Asked& asked) { return asked.connection.ended(); });
  if (all_gone || now - asked_at_ >= timing.inquiry / kAskMoreShare) ask_next(now);
}

void Inquiry::tell(const Verdict& verdict) {
  for (auto& asked : asked_) {
    if (!asked.alive) asked.connection.send(verdict_message(verdict));
  }
}

bool Inquiry::nobody_below(TimePoint now, const LivenessTiming& timing) const {
  return next_ >= rank_ && std::ranges::all_of(asked_, [&](const Asked& asked) {
           return asked.connection.ended() || (!asked.alive && now - asked.since >= timing.inquiry);
         });
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
