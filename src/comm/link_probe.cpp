#include "ft/comm/link_probe.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>

#include "ft/base/stopwatch.h"

namespace ft {

namespace {

constexpr std::string_view kWhat = "the probe of the links";
constexpr std::size_t kSmall = 8;
constexpr std::size_t kLarge = std::size_t{1} << 20U;
constexpr Seconds kShortestRound{0.01};

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

double largest_of_all(Communicator& communicator, double value) {
  communicator.all_reduce_host({&value, 1}, ReduceOp::kMax, kWhat);
  return value;
}

double time_all_reduce(Communicator& gradients, void* data, std::size_t count) {
  const Stopwatch watch;
  gradients.start_all_reduce(data, count, ElementKind::kFloat32, ReduceOp::kSum)
      ->wait(deadline_after(gradients.timeout()), kWhat);
  return watch.seconds();
}

// The first ones are not counted: they set up connections. They also tell how many fit.
double repeat_all_reduce(Communicator& gradients, void* data, std::size_t count, Seconds budget) {
  constexpr double kMost = 200;
  (void)time_all_reduce(gradients, data, count);
  const double second = largest_of_all(gradients, time_all_reduce(gradients, data, count));
  const int times = static_cast<int>(std::clamp(budget.count() / second, 1.0, kMost));
  std::vector<double> seconds;
  seconds.reserve(static_cast<std::size_t>(times));
  for (int i = 0; i < times; ++i) seconds.push_back(time_all_reduce(gradients, data, count));
  return largest_of_all(gradients, median(std::move(seconds)));
}

// Swaps until the clock of the pair's first has run out, which its messages say, but not fewer than a few.
// The mean seconds of one: swaps of small messages fall into pairs of a short and a long one, when one side
// is a little late. The first waited for the other side to come.
double time_exchanges(Communicator& host, int peer, std::size_t bytes, Seconds budget) {
  constexpr int kFewest = 3;
  const bool decides = host.rank() < peer;
  std::vector<std::byte> mine(bytes), theirs(bytes);
  Stopwatch measured;
  int times = -1;
  for (bool last = false; !last; ++times) {
    if (times == 0) measured.restart();
    if (decides) last = times >= kFewest && measured.seconds() >= budget.count();
    mine[0] = std::byte{last};
    host.exchange(mine, theirs, peer, kWhat);
    if (!decides) last = theirs[0] == std::byte{1};
  }
  return measured.seconds() / times;
}

LinkSpeed measure_link(Communicator& host, int peer, Seconds budget) {
  // One way each, both at once: a swap takes as long as one way.
  const double small = time_exchanges(host, peer, kSmall, budget / 2);
  const double large = time_exchanges(host, peer, kLarge, budget / 2);
  return {std::min(host.rank(), peer), std::max(host.rank(), peer), small,
          static_cast<double>(kLarge) / large};
}

// This rank's meetings of one tournament.
void play(Communicator& host, const std::vector<Round>& rounds, Seconds budget,
          std::vector<LinkSpeed>& links) {
  for (const Round& round : rounds) {
    for (const auto& [a, b] : round) {
      if (host.rank() != a && host.rank() != b) continue;
      const LinkSpeed link = measure_link(host, host.rank() == a ? b : a, budget);
      if (host.rank() == std::min(a, b)) links.push_back(link);  // one report a link
    }
  }
}

std::map<std::string, std::vector<int>> ranks_by_host(const std::vector<RankPlace>& places) {
  std::map<std::string, std::vector<int>> ranks;
  for (const RankPlace& place : places) ranks[place.host].push_back(place.rank);
  return ranks;
}

std::vector<LinkSpeed> collect(Communicator& host, const std::vector<LinkSpeed>& mine) {
  const std::string_view bytes(reinterpret_cast<const char*>(mine.data()), mine.size() * sizeof(LinkSpeed));
  std::vector<LinkSpeed> all;
  for (const std::string& text : host.gather(bytes, 0, kWhat)) {
    std::vector<LinkSpeed> links(text.size() / sizeof(LinkSpeed));
    if (!links.empty()) std::memcpy(links.data(), text.data(), text.size());
    all.insert(all.end(), links.begin(), links.end());
  }
  std::ranges::stable_sort(all, {}, &LinkSpeed::bytes_per_s);
  return all;
}

}  // namespace

AllReduceSpeed probe_all_reduce(Communicator& gradients, void* data, std::size_t count, Seconds budget) {
  if (gradients.world_size() == 1) return {};
  AllReduceSpeed speed;
  speed.bytes = count * byte_size(ElementKind::kFloat32);
  speed.latency_s = repeat_all_reduce(gradients, data, 1, budget / 4);
  speed.seconds = repeat_all_reduce(gradients, data, count, budget * 3 / 4);
  return speed;
}

std::vector<LinkSpeed> probe_links(Communicator& host, const std::vector<RankPlace>& places, Seconds budget) {
  const auto ranks = ranks_by_host(places);
  std::vector<int> speakers;
  std::size_t most_rounds_within = 0;
  for (const auto& [name, members] : ranks) {
    speakers.push_back(members.front());
    most_rounds_within = std::max(most_rounds_within, tournament(members).size());
  }
  const std::vector<Round> between = tournament(speakers);
  const auto rounds = static_cast<double>(std::max<std::size_t>(1, between.size() + most_rounds_within));
  const Seconds each = std::max(budget / rounds, kShortestRound);

  std::vector<LinkSpeed> mine;
  play(host, between, each, mine);
  host.barrier(kWhat);  // what goes on between hosts must not slow what is measured within one
  play(host, tournament(ranks.at(places[static_cast<std::size_t>(host.rank())].host)), each, mine);
  return collect(host, mine);
}

std::vector<Round> tournament(std::span<const int> players) {
  constexpr int kNobody = -1;
  if (players.size() < 2) return {};
  std::vector<int> circle(players.begin(), players.end());
  if (circle.size() % 2 != 0) circle.push_back(kNobody);
  std::vector<Round> rounds;
  for (std::size_t r = 0; r + 1 < circle.size(); ++r) {
    Round& round = rounds.emplace_back();
    for (std::size_t i = 0; i < circle.size() / 2; ++i) {
      const auto [a, b] = std::minmax(circle[i], circle[circle.size() - 1 - i]);
      if (a != kNobody) round.emplace_back(a, b);
    }
    // The first stays, the others move on by one.
    std::rotate(circle.begin() + 1, circle.end() - 1, circle.end());
  }
  return rounds;
}

}  // namespace ft
