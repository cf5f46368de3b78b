#include "member.h"

#include <algorithm>

#include <fmt/format.h>

#include "ft/base/error.h"
#include "ft/comm/liveness/network_interface.h"

namespace ft {

namespace {

constexpr std::chrono::milliseconds kTryAgain{100};
// However clear the case: what a lower rank has said may still be in the listener's queue, or on its way.
constexpr std::chrono::milliseconds kSettle{60};
// Between two turns of a rank that gets to run.
constexpr std::chrono::milliseconds kLongTurn{300};

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
      awake_since_(now_),
      next_beat_(now_),
      next_try_(now_) {}

std::optional<Verdict> Member::turn(std::chrono::milliseconds longest_wait, int wake) {
  if (phase_ == Phase::kJoining) join();
  poll(longest_wait, wake);
  const auto before = now_;
  now_ = clock_();
  note_long_turn(now_ - before);
  heard_ += stalls_.lost_time(now_);

  // Another's verdict goes before an own one.
  auto verdict = hear_hub();
  if (auto theirs = hear_guests(); theirs && !verdict) verdict = std::move(theirs);
  if (inquiry_) {
    if (auto theirs = inquiry_->hear(set_); theirs && !verdict) verdict = std::move(theirs);
  }
  if (herald_) herald_->go_on(set_, now_);
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

// Once in an inquiry: where every turn is a long one, nobody would ever speak.
void Member::note_long_turn(TimePoint::duration length) {
  if (length <= kLongTurn || (inquiry_ && overslept_)) return;
  awake_since_ = now_;
  overslept_ = inquiry_.has_value();
}

void Member::join() {
  if (hub_.open() || now_ < next_try_) return;
  next_try_ = now_ + kTryAgain;
  refused_before_ = hub_.refused();
  if (!refused_before_) refused_since_.reset();
  const auto own = roster_.ranks[static_cast<std::size_t>(rank_)].address.host;
  hub_ = Connection::to(roster_.ranks[0].address, own);
  hub_.send(hello(roster_.token, rank_, Nature::kJoin));
}

void Member::poll(std::chrono::milliseconds longest_wait, int wake) {
  set_ = PollSet();
  set_.add(wake, POLLIN);
  hub_place_ = set_.add(hub_.descriptor(), hub_.events());
  doorway_.add_to(set_, now_);
  for (auto& guest : guests_) {
    guest.place = set_.add(guest.connection.descriptor(), guest.connection.events());
    guest.polled = true;
  }
  if (inquiry_) inquiry_->add_to(set_);
  if (herald_) herald_->add_to(set_);
  set_.wait(longest_wait);
}

void Member::beat() {
  next_beat_ = now_ + timing_.beat;
  // Also while asking around: rank 0 may be merely late, and must not miss this rank in turn.
  if (joined_) hub_.send(beat_message(activity_->report(now_)));
}

std::optional<Verdict> Member::hear_hub() {
  std::optional<Verdict> verdict;
  for (const auto& message : hub_.handle(set_.found(hub_place_))) {
    heard_ = now_;
    try {
      switch (message.kind) {
        case MessageKind::kWelcome:
          if (phase_ == Phase::kJoining) phase_ = Phase::kWatching;
          joined_ = true;
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
      if (message.kind != MessageKind::kVerdict || verdict) continue;
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
    if (asks && verdict_) {
      newcomer.connection.send(verdict_message(*verdict_));
      newcomer.connection.finish();
    }
    Guest guest{newcomer.rank, std::move(newcomer.connection), asks};
    take(guest, newcomer.more);
    guests_.push_back(std::move(guest));
  }
  return verdict;
}

// Whether there is reason to ask around.
bool Member::misses_hub() const {
  if (phase_ == Phase::kJoining) {
    // One refusal may be an accident of the network.
    const bool twice = refused_before_ && hub_.refused();
    return twice && refused_since_ && now_ - *refused_since_ >= timing_.late;
  }
  // Rank 0 is given a beat more than it gives: where both fall silent for a moment, it speaks.
  return !hub_.open() || now_ - heard_ > timing_.peer_timeout + timing_.beat;
}

bool Member::hub_is_back() const {
  return hub_.open() && heard_ >= inquiry_->since();
}

std::optional<Verdict> Member::judge() {
  if (phase_ == Phase::kJoining && hub_.refused() && !refused_since_) refused_since_ = now_;
  if ((phase_ == Phase::kJoining || phase_ == Phase::kWatching) && misses_hub()) {
    phase_ = Phase::kInquiring;
    inquiry_.emplace(rank_, roster_, now_);
    overslept_ = false;
  }
  if (phase_ != Phase::kInquiring) return std::nullopt;
  if (hub_is_back()) {
    phase_ = Phase::kWatching;
    inquiry_.reset();
    return std::nullopt;
  }
  inquiry_->ask_more(now_, timing_);
  return conclude();
}

std::optional<Verdict> Member::conclude() {
  if (now_ - std::max(awake_since_, inquiry_->since()) < kSettle) return std::nullopt;
  if (inquiry_->nobody_below(now_, timing_)) return speak(inquiry_->unanswered(), "");
  if (!inquiry_->left_waiting(now_, timing_)) return std::nullopt;
  // A lower rank lives and has nothing to say: it still hears rank 0, which only this rank does not.
  const auto answered = inquiry_->answered();
  if (answered.empty()) return speak(inquiry_->unanswered(), "");
  return speak({}, fmt::format(" for rank {}, though rank {} still answers", rank_, answered.front()));
}

Verdict Member::speak(const std::vector<int>& also_lost, const std::string& remark) {
  std::vector<LostRank> lost{{0, roster_.ranks[0], !hub_.open(), now_ - heard_, last_, !joined_}};
  for (const int rank : also_lost) lost.push_back({rank, roster_.ranks[static_cast<std::size_t>(rank)]});
  Verdict verdict = describe_loss(lost, activity_->report(now_));
  verdict.text += remark;
  if (remark.empty()) tell_those_above(verdict);
  return verdict;
}

// Those who ask get it for an answer.
void Member::tell_those_above(const Verdict& verdict) {
  std::vector<int> unaware;
  for (int above = rank_ + 1; above < static_cast<int>(roster_.ranks.size()); ++above) {
    const bool asks = std::ranges::any_of(
        guests_, [above](const Guest& guest) { return guest.asks && guest.rank == above; });
    if (!asks) unaware.push_back(above);
  }
  herald_.emplace(rank_, roster_, std::move(unaware), verdict, now_);
}

// To those who asked, and to those who are merely silent, rank 0 or ranks below: should they wake up, they
// must not blame others, nor say it a second time.
void Member::pass_on(const Verdict& verdict) {
  verdict_ = verdict;
  for (auto& guest : guests_) {
    if (!guest.asks) continue;
    guest.connection.send(verdict_message(verdict));
    guest.connection.finish();
  }
  if (!verdict.own_words) return;
  hub_.send(verdict_message(verdict));
  inquiry_->tell(verdict);
}

Watcher::Missing Member::missing() const {
  return {fmt::format("no connection from here to rank 0 on {} at {}:{}", roster_.ranks[0].host,
                      format_address(roster_.ranks[0].address.host), roster_.ranks[0].address.port),
          kNetworkHint};
}

std::string Member::busy_elsewhere(std::string_view what) const {
  if (!last_ || waits_in(*last_, what)) return {};
  return describe_busy(0, roster_.ranks[0].host, *last_, now_ - heard_);
}

bool Member::told() const {
  return hub_.settled() && (!herald_ || herald_->done()) &&
         std::ranges::all_of(guests_, [](const Guest& guest) { return guest.connection.settled(); });
}

void Member::tell_failure(const OwnFailure& failure) {
  phase_ = Phase::kOver;
  hub_.send(failure_message(failure));
  hub_.finish();
}

void Member::say_farewell() {
  phase_ = Phase::kOver;
  if (!hub_.established()) hub_.close();
  hub_.send({MessageKind::kFarewell, {}});
  hub_.finish();
}

}  // namespace ft
