#include "roll_call.h"

#include <algorithm>

namespace ft {

namespace {

constexpr std::chrono::milliseconds kBetween{1'000};
constexpr std::chrono::milliseconds kAfterRefusal{100};
constexpr std::size_t kAtOnce = 128;

}  // namespace

void RollCall::call(const std::vector<int>& missing, TimePoint now) {
  // A host that is gone answers nothing at all.
  std::erase_if(knocks_, [now](const Knock& knock) { return now - knock.since >= kBetween; });
  const auto first = std::ranges::lower_bound(missing, begin_);
  const auto offset = static_cast<std::size_t>(first - missing.begin());
  for (std::size_t i = 0; i < missing.size(); ++i) {
    const int rank = missing[(offset + i) % missing.size()];
    if (now < doors_[static_cast<std::size_t>(rank)].next) continue;
    if (knocks_.size() >= kAtOnce) {
      begin_ = rank;
      return;
    }
    knock_at(rank, now);
  }
}

void RollCall::knock_at(int rank, TimePoint now) {
  const auto index = static_cast<std::size_t>(rank);
  doors_[index].next = now + kBetween;
  const auto& address = roster_.ranks[index].address;
  knocks_.push_back({rank, Connection::to(address, roster_.ranks[0].address.host), now});
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
    auto& door = doors_[static_cast<std::size_t>(knock.rank)];
    if (knock.connection.refused()) {
      ++door.refusals;
      door.next = knock.since + kAfterRefusal;
    } else if (knock.connection.established()) {
      // It has answered; there is nothing to say.
      door.refusals = 0;
      knock.connection.close();
    }
  }
  std::erase_if(knocks_, [](const Knock& knock) { return !knock.connection.open(); });
}

}  // namespace ft
