#include "herald.h"

#include <algorithm>

#include "doorway.h"

namespace ft {

namespace {

constexpr std::size_t kAtOnce = 128;
// Who has not even let the connection come about by then is passed over: a host that is gone may have many
// ranks.
constexpr std::chrono::milliseconds kPatience{250};

}  // namespace

Herald::Herald(int rank, const Roster& roster, std::vector<int> to, const Verdict& verdict, TimePoint now)
    : rank_(rank), roster_(roster), to_(std::move(to)), verdict_(verdict_message(verdict)) {
  std::ranges::reverse(to_);
  tell_next(now);
}

void Herald::tell_next(TimePoint now) {
  const auto own = roster_.ranks[static_cast<std::size_t>(rank_)].address.host;
  for (; told_.size() < kAtOnce && !to_.empty(); to_.pop_back()) {
    Told told{Connection::to(roster_.ranks[static_cast<std::size_t>(to_.back())].address, own), now};
    told.connection.send(hello(roster_.token, rank_, Nature::kTell));
    told.connection.send(verdict_);
    told.connection.finish();
    told_.push_back(std::move(told));
  }
}

void Herald::add_to(PollSet& set) {
  for (auto& told : told_) {
    told.place = set.add(told.connection.descriptor(), told.connection.events());
    told.polled = true;
  }
}

void Herald::go_on(const PollSet& set, TimePoint now) {
  for (auto& told : told_) {
    if (told.polled) static_cast<void>(told.connection.handle(set.found(told.place)));
    if (!told.connection.established() && now - told.since >= kPatience) told.connection.close();
  }
  std::erase_if(told_, [](const Told& told) { return !told.connection.open(); });
  tell_next(now);
}

}  // namespace ft
