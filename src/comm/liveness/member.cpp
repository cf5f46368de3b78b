#include "member.h"

#include <algorithm>

#include <fmt/format.h>

#include "ft/base/error.h"
#include "ft/comm/liveness/network_interface.h"

namespace ft {

namespace {

constexpr std::chrono::milliseconds kTryAgain{100};

}  // namespace

Member::Member(int rank, Roster roster, Socket listener, const Activity& activity,
               const LivenessTiming& timing, Clock clock)
    : rank_(rank),
      roster_(std::move(roster)),
      activity_(&activity),
      timing_(timing),
      clock_(std::move(clock)),
      doorway_(std::move(listener), roster_.token, static_cast<int>(roster_.ranks.size())),
      stalls_(timing),
      now_(clock_()),
      next_beat_(now_),
      next_try_(now_) {}

std::optional<Verdict> Member::turn(std::chrono::milliseconds longest_wait, int wake) {
  if (phase_ == Phase::kJoining) join();
  poll(longest_wait, wake);
  now_ = clock_();
  heard_ += stalls_.lost_time(now_);

  // Another's verdict goes before an own one.
  auto verdict = hear_hub();
  if (auto theirs = hear_guests(); theirs && !verdict) verdict = std::move(theirs);
  if (inquiry_) {
    if (auto theirs = inquiry_->hear(set_); theirs && !verdict) verdict = std::move(theirs);
  }
  if (phase_ == Phase::kOver) return std::nullopt;
  if (!verdict) {
    if (now_ >= next_beat_) beat();
    verdict = judge();
  }
  if (verdict) {
    phase_ = Phase::kOver;
    pass_on(*verdict);
  }
  return verdict;
}

void Member::join() {
  if (hub_.open() || clock_() < next_try_) return;
  next_try_ = clock_() + kTryAgain;
  const auto own = roster_.ranks[static_cast<std::size_t>(rank_)].address.host;
  hub_ = Connection(connect_to(roster_.ranks[0].address, own), true);
  hub_.send(hello(roster_.token, rank_, Nature::kJoin));
}

void Member::poll(std::chrono::milliseconds longest_wait, int wake) {
  set_ = PollSet();
  set_.add(wake, POLLIN);
  hub_place_ = set_.add(hub_.descriptor(), hub_.events());
  doorway_.add_to(set_);
  for (auto& guest : guests_) {
    guest.place = set_.add(guest.connection.descriptor(), guest.connection.events());
    guest.polled = true;
  }
  if (inquiry_) inquiry_->add_to(set_);
  set_.wait(longest_wait);
}

void Member::beat() {
  next_beat_ = now_ + timing_.beat;
  if (phase_ == Phase::kWatching) hub_.send(beat_message(activity_->report(now_)));
}

std::optional<Verdict> Member::hear_hub() {
  std::optional<Verdict> verdict;
  for (const auto& message : hub_.handle(set_.found(hub_place_))) {
    heard_ = now_;
    try {
      switch (message.kind) {
        case MessageKind::kWelcome:
          if (phase_ == Phase::kJoining) phase_ = Phase::kWatching;
          break;
        case MessageKind::kBeat:
          last_ = report_from(message);
          if (const auto& age = last_->since_progress) {
            progressed_ = now_ - std::chrono::duration_cast<TimePoint::duration>(*age);
          }
          break;
        case MessageKind::kVerdict:
          verdict = verdict_from(message);
          break;
        case MessageKind::kFarewell:
          if (phase_ != Phase::kOver) phase_ = Phase::kReleased;
          break;
        default:
          break;
      }
    } catch (const Error&) {
      hub_.close();
    }
  }
  return verdict;
}

std::optional<Verdict> Member::hear_guests() {
  std::optional<Verdict> verdict;
  const auto take = [&](Guest& guest, const std::vector<Message>& messages) {
    for (const auto& message : messages) {
      if (message.kind != MessageKind::kVerdict || guest.asks || verdict) continue;
      try {
        verdict = verdict_from(message);
      } catch (const Error&) {
        guest.connection.close();
      }
    }
  };
  for (auto guest = guests_.begin(); guest != guests_.end();) {
    if (guest->polled) take(*guest, guest->connection.handle(set_.found(guest->place)));
    guest = guest->connection.open() ? std::next(guest) : guests_.erase(guest);
  }
  for (auto& newcomer : doorway_.admit(set_, now_)) {
    const bool asks = newcomer.nature == Nature::kAsk;
    if (asks && newcomer.rank <= rank_) continue;
    if (asks) newcomer.connection.send({MessageKind::kAlive, {}});
    if (asks && verdict_) newcomer.connection.send(verdict_message(*verdict_));
    Guest guest{std::move(newcomer.connection), asks, 0, false};
    take(guest, newcomer.more);
    guests_.push_back(std::move(guest));
  }
  return verdict;
}

std::optional<Verdict> Member::judge() {
  if (phase_ == Phase::kWatching) {
    // Rank 0 is given a beat more than it gives: where both fall silent for a moment, it speaks.
    const bool silent = now_ - heard_ > timing_.peer_timeout + timing_.beat;
    if (hub_.open() && !silent) return std::nullopt;
    hub_closed_ = !hub_.open();
    phase_ = Phase::kInquiring;
    inquiry_.emplace(rank_, roster_, now_);
  }
  if (phase_ != Phase::kInquiring) return std::nullopt;
  return conclude();
}

std::optional<Verdict> Member::conclude() {
  if (inquiry_->nobody_below(now_, timing_)) return speak(inquiry_->unanswered(), "");
  if (!inquiry_->left_waiting(now_, timing_)) return std::nullopt;
  // A lower rank lives and has nothing to say: it still hears rank 0, which only this rank does not.
  const auto answered = inquiry_->answered();
  if (answered.empty()) return speak(inquiry_->unanswered(), "");
  return speak({}, fmt::format(" for rank {}, though rank {} still answers", rank_, answered.front()));
}

Verdict Member::speak(const std::vector<int>& also_lost, const std::string& remark) {
  std::vector<LostRank> lost{{0, roster_.ranks[0].host, hub_closed_, now_ - heard_, last_}};
  for (const int rank : also_lost) {
    lost.push_back({rank, roster_.ranks[static_cast<std::size_t>(rank)].host});
  }
  Verdict verdict = describe_loss(lost, activity_->report(now_));
  verdict.text += remark;
  if (!remark.empty()) return verdict;
  const auto own = roster_.ranks[static_cast<std::size_t>(rank_)].address.host;
  for (std::size_t above = static_cast<std::size_t>(rank_) + 1; above < roster_.ranks.size(); ++above) {
    Guest guest{Connection(connect_to(roster_.ranks[above].address, own), true), false, 0, false};
    guest.connection.send(hello(roster_.token, rank_, Nature::kTell));
    guest.connection.send(verdict_message(verdict));
    guests_.push_back(std::move(guest));
  }
  return verdict;
}

// To those who asked, and to rank 0 if it is merely silent: should it wake up, it must not blame the others.
void Member::pass_on(const Verdict& verdict) {
  verdict_ = verdict;
  for (auto& guest : guests_) {
    if (guest.asks) guest.connection.send(verdict_message(verdict));
  }
  if (verdict.own_words) hub_.send(verdict_message(verdict));
}

std::string Member::missing() const {
  return fmt::format("no connection from here to rank 0 on {} at {}:{}", roster_.ranks[0].host,
                     format_address(roster_.ranks[0].address.host), roster_.ranks[0].address.port);
}

bool Member::told() const {
  return hub_.flushed() &&
         std::ranges::all_of(guests_, [](const Guest& guest) { return guest.connection.flushed(); });
}

void Member::tell_failure(const std::string& what) {
  constexpr std::size_t kLongestText = 16U << 10U;
  phase_ = Phase::kOver;
  hub_.send({MessageKind::kFailed, {what.substr(0, kLongestText)}});
}

void Member::say_farewell() {
  phase_ = Phase::kOver;
  hub_.send({MessageKind::kFarewell, {}});
}

}  // namespace ft
