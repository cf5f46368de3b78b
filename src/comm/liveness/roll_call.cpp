#include "roll_call.h"

namespace ft {

namespace {

constexpr std::chrono::seconds kBetween{1};
constexpr std::size_t kAtOnce = 128;

}  // namespace

void RollCall::call(const std::vector<int>& missing, TimePoint now) {
  if (now < next_) return;
  next_ = now + kBetween;
  knocks_.clear();
  for (const int rank : missing) {
    if (is_gone(rank)) continue;
    if (knocks_.size() >= kAtOnce) return;
    const auto& address = roster_.ranks[static_cast<std::size_t>(rank)].address;
    knocks_.push_back({rank, Connection::to(address, roster_.ranks[0].address.host)});
  }
}

void RollCall::add_to(PollSet& set) {
  for (auto& knock : knocks_) {
    knock.place = set.add(knock.connection.descriptor(), knock.connection.events());
    knock.polled = true;
  }
}

void RollCall::hear(const PollSet& set) {
  for (auto& knock : knocks_) {
    if (knock.polled) static_cast<void>(knock.connection.handle(set.found(knock.place)));
    if (knock.connection.refused()) gone_.insert(knock.rank);
    // It has answered; there is nothing to say.
    if (knock.connection.established()) knock.connection.close();
  }
  std::erase_if(knocks_, [](const Knock& knock) { return !knock.connection.open(); });
}

}  // namespace ft
