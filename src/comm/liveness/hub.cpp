#include "hub.h"

#include <algorithm>

#include <fmt/format.h>

#include "ft/base/error.h"
#include "ft/comm/liveness/network_interface.h"

namespace ft {

Hub::Hub(Roster roster, Socket listener, const Activity& activity, const LivenessTiming& timing, Clock clock)
    : roster_(std::move(roster)),
      activity_(&activity),
      timing_(timing),
      clock_(std::move(clock)),
      doorway_(std::move(listener), roster_.token, static_cast<int>(roster_.ranks.size())),
      stalls_(timing),
      roll_call_(roster_),
      peers_(roster_.ranks.size()),
      began_(clock_()),
      now_(began_),
      next_beat_(now_),
      joined_(peers_.size() == 1) {}

std::optional<Verdict> Hub::turn(std::chrono::milliseconds longest_wait, int wake) {
  poll(longest_wait, wake);
  now_ = clock_();
  const auto lost_time = stalls_.lost_time(now_);
  for (auto& peer : peers_) peer.heard += lost_time;

  std::optional<Verdict> verdict;
  for (std::size_t r = 1; r < peers_.size(); ++r) {
    auto messages = peers_[r].connection.handle(set_.found(peers_[r].place));
    if (auto theirs = take(static_cast<int>(r), messages); theirs && !verdict) verdict = std::move(theirs);
  }
  for (auto& guest : doorway_.admit(set_, now_)) {
    if (auto theirs = admit(std::move(guest)); theirs && !verdict) verdict = std::move(theirs);
  }
  roll_call_.hear(set_);
  if (herald_) herald_->go_on(set_, now_);
  if (over_) return std::nullopt;
  if (!verdict) {
    if (now_ >= next_beat_) beat();
    if (!joined_) call_the_missing();
    verdict = judge();
  }
  if (verdict) close_with(*verdict);
  return verdict;
}

void Hub::poll(std::chrono::milliseconds longest_wait, int wake) {
  set_ = PollSet();
  set_.add(wake, POLLIN);
  for (std::size_t r = 1; r < peers_.size(); ++r) {
    peers_[r].place = set_.add(peers_[r].connection.descriptor(), peers_[r].connection.events());
  }
  doorway_.add_to(set_, now_);
  roll_call_.add_to(set_);
  if (herald_) herald_->add_to(set_);
  set_.wait(longest_wait);
}

// A rank whose first try broke off comes again; its newest connection is the one that counts.
std::optional<Verdict> Hub::admit(Doorway::Guest guest) {
  if (guest.nature != Nature::kJoin || guest.rank == 0 || joined_) return std::nullopt;
  auto& peer = peers_[static_cast<std::size_t>(guest.rank)];
  peer.connection = std::move(guest.connection);
  if (over_) {
    // It comes too late, and must learn why.
    if (verdict_) peer.connection.send(verdict_message(*verdict_));
    peer.connection.finish();
    return std::nullopt;
  }
  peer.connection.send({MessageKind::kWelcome, {}});
  peer.joined = true;
  peer.heard = now_;
  auto verdict = take(guest.rank, guest.more);
  joined_ = std::all_of(peers_.begin() + 1, peers_.end(),
                        [](const Peer& other) { return other.joined && other.connection.open(); });
  if (joined_) {
    for (auto& other : peers_) other.heard = now_;
  }
  return verdict;
}

void Hub::call_the_missing() {
  if (now_ - began_ >= timing_.late) roll_call_.call(missing_ranks(), now_);
}

std::optional<Verdict> Hub::take(int rank, const std::vector<Message>& messages) {
  auto& peer = peers_[static_cast<std::size_t>(rank)];
  std::optional<Verdict> verdict;
  if (!messages.empty()) peer.heard = now_;
  for (const auto& message : messages) {
    try {
      switch (message.kind) {
        case MessageKind::kBeat:
          peer.last = report_from(message);
          if (const auto& age = peer.last->since_progress) {
            const auto moment = now_ - std::chrono::duration_cast<TimePoint::duration>(*age);
            progressed_ = std::max(progressed_.value_or(moment), moment);
          }
          break;
        case MessageKind::kFarewell:
          peer.departed = true;
          break;
        case MessageKind::kFailed:
          verdict = describe_failure(rank, roster_.ranks[static_cast<std::size_t>(rank)].host,
                                     failure_from(message));
          peer.departed = true;
          break;
        case MessageKind::kVerdict:
          // While this rank was stopped or cut off, the others gave it up.
          verdict = verdict_from(message);
          break;
        default:
          break;
      }
    } catch (const Error&) {
      peer.connection.close();
    }
  }
  return verdict;
}

void Hub::beat() {
  next_beat_ = now_ + timing_.beat;
  auto report = activity_->report(now_);
  if (report.since_progress) {
    const auto moment = now_ - std::chrono::duration_cast<TimePoint::duration>(*report.since_progress);
    progressed_ = std::max(progressed_.value_or(moment), moment);
  }
  if (progressed_) report.since_progress = now_ - *progressed_;
  tell_all(beat_message(report));
}

bool Hub::is_lost(std::size_t rank) const {
  const Peer& peer = peers_[rank];
  if (!joined_)
    return !peer.departed && !peer.connection.open() && roll_call_.is_gone(static_cast<int>(rank));
  return watched(peer) && (!peer.connection.open() || now_ - peer.heard > timing_.peer_timeout);
}

// Then nobody else can be missing with them. Every moment counts: launchers end the others soon.
bool Hub::whole_hosts_are_lost() const {
  for (std::size_t r = 1; r < peers_.size(); ++r) {
    if (!is_lost(r)) continue;
    for (std::size_t other = 0; other < peers_.size(); ++other) {
      const bool together = roster_.ranks[other].host == roster_.ranks[r].host;
      if (together && (other == 0 || !is_lost(other))) return false;
    }
  }
  return true;
}

std::optional<Verdict> Hub::judge() {
  bool any = false;
  for (std::size_t r = 1; r < peers_.size(); ++r) any = any || is_lost(r);
  if (!any) {
    first_loss_.reset();
    return std::nullopt;
  }
  if (!first_loss_) first_loss_ = now_;
  if (now_ - *first_loss_ < timing_.gather && !whole_hosts_are_lost()) return std::nullopt;

  std::vector<LostRank> lost;
  for (std::size_t r = 1; r < peers_.size(); ++r) {
    const auto& peer = peers_[r];
    const auto silence = now_ - peer.heard;
    // Beats are not in step: who has missed the last ones went with the others.
    const bool falling_silent = watched(peer) && silence > std::max(timing_.peer_timeout / 2,
                                                                    timing_.peer_timeout - 2 * timing_.beat);
    if (!is_lost(r) && !falling_silent) continue;
    lost.push_back(
        {static_cast<int>(r), roster_.ranks[r], !peer.connection.open(), silence, peer.last, !peer.joined});
  }
  return describe_loss(lost, activity_->report(now_));
}

void Hub::tell_all(const Message& message) {
  for (auto& peer : peers_) {
    if (peer.joined && !peer.departed) peer.connection.send(message);
  }
}

// Those who are lost are told too, should they be able to hear; but nobody waits for them to have heard.
void Hub::close_with(const Verdict& verdict) {
  over_ = true;
  verdict_ = verdict;
  tell_all(verdict_message(verdict));
  for (std::size_t r = 1; r < peers_.size(); ++r) {
    if (!verdict.names(static_cast<int>(r))) peers_[r].connection.finish();
  }
  if (joined_) return;
  // Who has not come yet might come when this rank has ended.
  auto absent = missing_ranks();
  std::erase_if(absent, [&](int rank) { return verdict.names(rank); });
  herald_.emplace(0, roster_, std::move(absent), verdict, now_);
}

std::vector<int> Hub::missing_ranks() const {
  std::vector<int> ranks;
  for (std::size_t r = 1; r < peers_.size(); ++r) {
    if (!peers_[r].joined || !peers_[r].connection.open()) ranks.push_back(static_cast<int>(r));
  }
  return ranks;
}

Watcher::Missing Hub::missing() const {
  std::string text;
  for (const int rank : missing_ranks()) {
    text += fmt::format("{}rank {} on {}", text.empty() ? "no connection to here from " : ", ", rank,
                        roster_.ranks[static_cast<std::size_t>(rank)].host);
    if (text.size() > 300) {
      text += ", ...";
      break;
    }
  }
  if (!doorway_.full()) return {text, kNetworkHint};
  return {text + ": rank 0 may open no more files",
          fmt::format("ulimit -n {} or more", peers_.size() * 2 + 512)};
}

std::string Hub::busy_elsewhere(std::string_view what) const {
  std::string text;
  for (std::size_t r = 1; r < peers_.size(); ++r) {
    const auto& peer = peers_[r];
    if (!watched(peer) || !peer.last || waits_in(*peer.last, what)) continue;
    if (text.size() > 300) return text + ", ...";
    text += (text.empty() ? "" : ", ") +
            describe_busy(static_cast<int>(r), roster_.ranks[r].host, *peer.last, now_ - peer.heard);
  }
  return text;
}

bool Hub::told() const {
  return (!herald_ || herald_->done()) &&
         std::ranges::all_of(peers_, [](const Peer& peer) { return peer.connection.settled(); });
}

void Hub::tell_failure(const OwnFailure& failure) {
  close_with(describe_failure(0, roster_.ranks[0].host, failure));
}

void Hub::say_farewell() {
  over_ = true;
  tell_all({MessageKind::kFarewell, {}});
  for (auto& peer : peers_) peer.connection.finish();
}

}  // namespace ft
