#include "ft/comm/liveness/liveness.h"

#include <algorithm>
#include <array>
#include <limits>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <sys/resource.h>

#include "ft/base/error.h"
#include "ft/base/host.h"
#include "ft/comm/agreement.h"
#include "ft/comm/liveness/network_interface.h"
#include "ft/comm/poll.h"

#include "hub.h"
#include "member.h"
#include "text_fields.h"
#include "watchdog.h"

namespace ft {

namespace {

using Seconds = std::chrono::duration<double>;

// As long as a silent rank gets, within these.
constexpr std::chrono::seconds kShortestJoin{5};
constexpr std::chrono::seconds kLongestJoin{15};
// All ranks begin to join at about the same time; so who has done so need not wait long for the others' word.
constexpr std::chrono::seconds kAgreePatience{3};
// Who has waited in vain says so before the others' patience ends: it knows who is missing.
constexpr std::chrono::seconds kAgreeAfterFailure{1};

// What a member takes at most to find out who is lost along with rank 0.
constexpr std::chrono::seconds kAskingAround{3};

constexpr std::string_view kConnecting = "connecting the watchdogs";

std::string random_token() {
  std::array<unsigned char, 16> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    throw PeerError("the system gives no random bytes");
  }
  std::string token;
  for (const auto byte : bytes) token += fmt::format("{:02x}", byte);
  return token;
}

// What the ranks tell each other over MPI before they have connections of their own.
struct Exchanged {
  std::vector<RankNetwork> networks;
  Roster roster;  // without addresses
};

Exchanged exchange_networks(Communicator& host) {
  const RankNetwork own{network_identity(), list_interfaces()};
  const auto mine =
      join_fields({host_name(), own.to_text(), host.rank() == 0 ? random_token() : std::string()});
  Exchanged exchanged;
  for (const auto& text : host.all_gather(mine, "comparing networks")) {
    auto fields = split_fields(text);
    exchanged.roster.ranks.push_back({std::move(fields.at(0)), {}});
    exchanged.networks.push_back(RankNetwork::from_text(fields.at(1)));
    if (exchanged.roster.token.empty()) exchanged.roster.token = std::move(fields.at(2));
  }
  return exchanged;
}

void exchange_addresses(Communicator& host, const TcpAddress& own, Roster& roster) {
  const auto mine = join_fields({std::to_string(own.host), std::to_string(own.port)});
  const auto all = host.all_gather(mine, "exchanging addresses");
  for (std::size_t r = 0; r < all.size(); ++r) {
    const auto fields = split_fields(all[r]);
    roster.ranks[r].address = {static_cast<std::uint32_t>(std::stoul(fields.at(0))),
                               static_cast<std::uint16_t>(std::stoul(fields.at(1)))};
  }
}

// Rank 0 holds a connection to each rank; after its death all may ask one, which is then busy for a second.
void allow_connections(int rank, int world_size) {
  constexpr rlim_t kForTheRest = 128;  // MPI, libraries, the data
  rlimit limit{};
  const auto wanted = static_cast<rlim_t>(world_size) * 2 + 512;
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return;
  limit.rlim_cur = std::min(wanted, limit.rlim_max);
  static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));
  const auto needed = static_cast<rlim_t>(world_size) + kForTheRest;
  if (rank == 0 && limit.rlim_cur < needed) {
    throw UsageError(
        fmt::format("rank 0 may open {} files at most (`ulimit -n`), and {} ranks take {}", limit.rlim_cur,
                    world_size, needed),
        fmt::format("raise the hard limit to {} (limits.conf, LimitNOFILE, docker --ulimit)", wanted));
  }
}

}  // namespace

Liveness::Liveness(int rank, int world_size) : rank_(rank), world_size_(world_size) {}

Liveness::~Liveness() = default;

void Liveness::start(Communicator& host, const LivenessOptions& options) {
  if (world_size_ == 1) return;
  verdict_within_ = options.peer_timeout + kAskingAround;
  host.set_watch(this);
  auto [networks, roster] = exchange_networks(host);
  const auto rank = static_cast<std::size_t>(rank_);
  TcpAddress own;
  Socket listener;
  // By name: a structured binding is not captured as other variables are.
  agree(host, "choosing a network interface", [&, &networks = networks] {
    allow_connections(rank_, world_size_);
    own.host = choose_interface(options.interface, networks, rank).address;
    listener = listen_on(own);
  });
  exchange_addresses(host, own, roster);
  connect(host, std::move(roster), std::move(listener), options);
}

void Liveness::connect(Communicator& host, Roster roster, Socket listener, const LivenessOptions& options) {
  // A rank that is gone by now, host and all, does not take part in agreeing either.
  const Seconds usual = host.timeout();
  const auto patience = std::clamp<Seconds>(options.peer_timeout, kShortestJoin, kLongestJoin);
  const Deadline join_by = deadline_after(std::min(usual, patience));
  const auto left_to_agree = [&] { return join_by + kAgreePatience - std::chrono::steady_clock::now(); };
  // A rank whose watchdog cannot start is to say why: until then its port must not refuse, or it is lost.
  const Socket still_listening(::fcntl(listener.descriptor(), F_DUPFD_CLOEXEC, 0));
  host.set_timeout(left_to_agree());
  agree(host, kConnecting, [&] {
    const auto timing = LivenessTiming::for_timeout(options.peer_timeout);
    std::unique_ptr<Watcher> watcher;
    if (rank_ == 0) {
      watcher = std::make_unique<Hub>(roster, std::move(listener), *activity_, timing, Activity::Clock::now);
    } else {
      watcher = std::make_unique<Member>(rank_, roster, std::move(listener), *activity_, timing,
                                         Activity::Clock::now);
    }
    watchdog_ = std::make_unique<Watchdog>(std::move(watcher), rank_, options, timing);
    if (loss_log_) watchdog_->set_loss_log(loss_log_);
    watching_ = true;
    const WaitNote note(this, kConnecting);
    host.set_timeout(kAgreeAfterFailure);
    watchdog_->wait_joined(join_by);
    host.set_timeout(left_to_agree());
  });
  host.set_timeout(usual);
}

void Liveness::set_loss_log(std::function<void(const std::string&)> write) {
  loss_log_ = std::move(write);
  if (watchdog_) watchdog_->set_loss_log(loss_log_);
}

bool Liveness::lost() const noexcept {
  return watching_ && watchdog_->lost();
}

bool Liveness::lost_within(std::chrono::milliseconds patience) const {
  return watching_ && watchdog_->lost_within(patience);
}

bool Liveness::watching() const noexcept {
  return watching_;
}

void Liveness::leave_after_loss() {
  watchdog_->leave(static_cast<int>(ExitCode::kPeer), std::nullopt);
}

void Liveness::leave_after_failure(int exit_code, const std::string& what, bool said) {
  watchdog_->leave(exit_code, OwnFailure{what, said});
}

void Liveness::require_all_alive() {
  if (!lost()) return;
  const auto verdict = watchdog_->verdict();
  throw PeerError(verdict.text, verdict.hint);
}

std::chrono::duration<double> Liveness::since_progress() {
  const auto moment = watchdog_ ? watchdog_->progressed() : std::nullopt;
  if (!moment) return std::chrono::duration<double>(std::numeric_limits<double>::infinity());
  return Activity::Clock::now() - *moment;
}

std::string Liveness::busy_elsewhere(std::string_view what) {
  return watchdog_ ? watchdog_->busy_elsewhere(what) : "";
}

void Liveness::begin_wait(std::string_view what) {
  activity_->begin_wait(what);
}

void Liveness::end_wait() noexcept {
  activity_->end_wait();
}

}  // namespace ft
