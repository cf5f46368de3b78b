#include "preflight_report.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>
#include <string_view>

#include <fmt/format.h>

namespace ft::app {
namespace {

// Below a 100 Mbit network's rate, the 45 MB of ResNet-18's gradients take seconds a step.
constexpr double kTooSlow = 20e6;
// Of the fastest link: where one host of three is slow, most links are.
constexpr double kSlowShare = 0.5;
constexpr double kClockLimit = 1.0;

// Three digits at least, and never an exponent.
std::string three_digits(double value) {
  return value < 99.95 ? fmt::format("{:.3g}", value) : fmt::format("{:.0f}", value);
}

std::string format_rate(double bytes_per_s) {
  return bytes_per_s >= 1e9 ? fmt::format("{:.1f} GB/s", bytes_per_s / 1e9)
                            : three_digits(bytes_per_s / 1e6) + " MB/s";
}

std::string format_time(double seconds) {
  return seconds < 1e-3 ? fmt::format("{:.0f} us", seconds * 1e6) : three_digits(seconds * 1e3) + " ms";
}

std::string count_of(std::uint64_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

std::string end_of_link(int rank, const std::vector<RankPlace>& places) {
  return fmt::format("rank {} on {}", rank, places[static_cast<std::size_t>(rank)].host);
}

// Between hosts only: within one, what is slow is a rank that had to wait for a core.
void warn_of_slow_links(const Preflight& found, const std::vector<RankPlace>& places,
                        std::vector<std::string>& warnings) {
  std::vector<LinkSpeed> links;
  std::ranges::copy_if(found.links, std::back_inserter(links), [&](const LinkSpeed& link) {
    return places[static_cast<std::size_t>(link.a)].host != places[static_cast<std::size_t>(link.b)].host;
  });
  if (links.size() < 3) return;  // of two nobody can say which is the odd one
  const double fastest = links.back().bytes_per_s;
  for (const LinkSpeed& link : links) {
    if (link.bytes_per_s >= kSlowShare * fastest) break;  // slowest first
    warnings.push_back(fmt::format("a slow link: {}, where others reach {}", describe_link(link, places),
                                   format_rate(fastest)));
  }
}

void warn_of_clocks(const Preflight& found, const std::vector<RankPlace>& places,
                    std::vector<std::string>& warnings) {
  std::set<std::string> named;  // one line a host
  for (std::size_t r = 0; r < found.clocks.size(); ++r) {
    const double ahead = found.clocks[r].certain_s();
    if (std::abs(ahead) < kClockLimit || !named.insert(places[r].host).second) continue;
    warnings.push_back(fmt::format("the clock of {} is {:.1f} s {} that of {}: set both by NTP",
                                   places[r].host, std::abs(ahead), ahead > 0 ? "ahead of" : "behind",
                                   places[0].host));
  }
}

}  // namespace

std::string describe_all_reduce(const AllReduceSpeed& speed) {
  if (speed.bytes == 0) return {};
  return fmt::format("all-reduce {}, of {} MiB {} ({})", format_time(speed.latency_s), speed.bytes >> 20U,
                     format_time(speed.seconds), format_rate(speed.bytes_per_s()));
}

std::string describe_ends(const LinkSpeed& link, const std::vector<RankPlace>& places) {
  return fmt::format("{} - {}", end_of_link(link.a, places), end_of_link(link.b, places));
}

std::string describe_link(const LinkSpeed& link, const std::vector<RankPlace>& places) {
  return fmt::format("{}: {}, {}", describe_ends(link, places), format_rate(link.bytes_per_s),
                     format_time(link.latency_s));
}

std::string describe_clocks(const std::vector<ClockOffset>& clocks) {
  if (clocks.size() < 2) return {};
  double most = 0;
  for (const ClockOffset& offset : clocks) {
    most = std::max({most, std::abs(offset.least_s), std::abs(offset.most_s)});
  }
  return most < kClockLimit ? fmt::format("clocks within {:.1f} ms", std::max(most * 1e3, 0.1))
                            : fmt::format("clocks up to {:.1f} s apart", most);
}

std::string describe_world(const std::vector<RankPlace>& places, bool on_gpus) {
  std::set<std::string> hosts;
  for (const RankPlace& place : places) hosts.insert(place.host);
  return fmt::format("{} on {}, {}", count_of(places.size(), "rank"), count_of(hosts.size(), "host"),
                     on_gpus ? "cuda" : "cpu");
}

std::string describe_steps(std::uint64_t done, std::uint64_t last, int batch_size) {
  if (done == 0) return fmt::format("{} of {} images", count_of(last, "step"), batch_size);
  if (done >= last) return count_of(done, "step") + " done already";
  return fmt::format("step {} to {}, of {} images", done + 1, last, batch_size);
}

std::string ready_verdict(std::size_t warnings, const std::vector<std::string>& facts) {
  std::string text = warnings == 0 ? "ready" : fmt::format("ready ({})", count_of(warnings, "warning"));
  const char* separator = ": ";
  for (const std::string& fact : facts) {
    if (fact.empty()) continue;
    text += separator + fact;
    separator = ", ";
  }
  return text;
}

std::vector<std::string> preflight_warnings(const Preflight& found, const std::vector<RankPlace>& places) {
  std::vector<std::string> warnings;
  if (found.all_reduce.bytes > 0 && found.all_reduce.bytes_per_s() < kTooSlow) {
    warnings.push_back(
        fmt::format("the ranks reach each other at {} only: dist.interface or mpirun's btl_tcp_if_include "
                    "picks a faster network",
                    format_rate(found.all_reduce.bytes_per_s())));
  }
  warn_of_slow_links(found, places, warnings);
  warn_of_clocks(found, places, warnings);
  return warnings;
}

}  // namespace ft::app
