#include "ft/comm/liveness/network_interface.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <sstream>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <sys/stat.h>

#include "ft/base/error.h"

#include "text_fields.h"

namespace ft {

namespace {

// The name of the interface that leads out of here, by the kernel's routing table; empty without one.
std::string default_route_interface() {
  std::ifstream table("/proc/net/route");
  std::string line;
  std::getline(table, line);  // the header
  std::string best;
  long best_metric = std::numeric_limits<long>::max();
  while (std::getline(table, line)) {
    std::istringstream fields(line);
    std::string name;
    std::string destination;
    std::string skipped;
    std::string mask;
    long metric = 0;
    fields >> name >> destination >> skipped >> skipped >> skipped >> skipped >> metric >> mask;
    if (!fields || destination != "00000000" || mask != "00000000" || metric >= best_metric) continue;
    best = name;
    best_metric = metric;
  }
  return best;
}

std::uint32_t address_of(const sockaddr* address) {
  return ntohl(reinterpret_cast<const sockaddr_in*>(address)->sin_addr.s_addr);
}

// They exist on every host, with the same addresses, and lead nowhere.
bool stays_inside_its_host(const NetworkInterface& candidate) {
  constexpr std::array<std::string_view, 10> kPrefixes{"docker", "br-",    "virbr",   "veth",  "cni",
                                                       "cali",   "podman", "flannel", "vmnet", "lxc"};
  // 169.254.0.0/16: link-local, such as a node's own management controller.
  if ((candidate.address & 0xFFFF0000U) == 0xA9FE0000U) return true;
  return candidate.loopback || std::ranges::any_of(kPrefixes, [&](std::string_view prefix) {
           return candidate.name.starts_with(prefix);
         });
}

std::string list_of(const std::vector<NetworkInterface>& interfaces) {
  std::string text;
  for (const auto& entry : interfaces) {
    text += fmt::format("{}{} ({})", text.empty() ? "" : ", ", entry.name, format_address(entry.address));
  }
  return text.empty() ? "none with an IPv4 address" : text;
}

const NetworkInterface* in_network(const RankNetwork& rank, const NetworkInterface& wanted) {
  const auto found = std::ranges::find_if(rank.interfaces, [&](const NetworkInterface& own) {
    return !stays_inside_its_host(own) && own.mask == wanted.mask && own.network() == wanted.network();
  });
  return found == rank.interfaces.end() ? nullptr : &*found;
}

// Every rank is in it, and no two hosts by one address: a network that each host has for itself looks the
// same from everywhere.
bool is_shared(std::span<const RankNetwork> ranks, const NetworkInterface& candidate) {
  std::map<std::uint32_t, std::string> owners;
  return std::ranges::all_of(ranks, [&](const RankNetwork& rank) {
    const NetworkInterface* own = in_network(rank, candidate);
    return own != nullptr && owners.try_emplace(own->address, rank.identity).first->second == rank.identity;
  });
}

// All ranks must come to the same network, so the order is rank 0's.
std::optional<NetworkInterface> shared_network(std::span<const RankNetwork> ranks) {
  std::optional<NetworkInterface> found;
  for (const auto& candidate : ranks[0].interfaces) {
    if (stays_inside_its_host(candidate)) continue;
    if (is_shared(ranks, candidate) && (!found || (candidate.default_route && !found->default_route)))
      found = candidate;
  }
  return found;
}

const NetworkInterface* find_loopback(const RankNetwork& rank) {
  const auto found = std::ranges::find_if(rank.interfaces, &NetworkInterface::loopback);
  return found == rank.interfaces.end() ? nullptr : &*found;
}

bool all_on_one_host(std::span<const RankNetwork> ranks) {
  return std::ranges::all_of(ranks,
                             [&](const RankNetwork& rank) { return rank.identity == ranks[0].identity; });
}

NetworkInterface choose_automatically(std::span<const RankNetwork> ranks, const RankNetwork& own) {
  if (all_on_one_host(ranks)) {
    if (const auto* loopback = find_loopback(own)) return *loopback;
  }
  if (const auto shared = shared_network(ranks)) {
    if (const auto* candidate = in_network(own, *shared)) return *candidate;
  }
  const NetworkInterface* best = nullptr;
  for (const auto& candidate : own.interfaces) {
    if (stays_inside_its_host(candidate)) continue;
    if (best == nullptr || (candidate.default_route && !best->default_route)) best = &candidate;
  }
  if (best != nullptr) return *best;
  throw UsageError("no network interface leads to the other hosts; there is " + list_of(own.interfaces),
                   "dist.interface names the one to use");
}

}  // namespace

std::vector<NetworkInterface> list_interfaces() {
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) return {};
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(first, &::freeifaddrs);
  const std::string default_route = default_route_interface();
  std::vector<NetworkInterface> interfaces;
  for (const ifaddrs* entry = first; entry != nullptr; entry = entry->ifa_next) {
    const bool up = (entry->ifa_flags & IFF_UP) != 0 && (entry->ifa_flags & IFF_RUNNING) != 0;
    if (!up || entry->ifa_addr == nullptr || entry->ifa_addr->sa_family != AF_INET) continue;
    NetworkInterface found;
    found.name = entry->ifa_name;
    found.address = address_of(entry->ifa_addr);
    found.mask = entry->ifa_netmask != nullptr ? address_of(entry->ifa_netmask) : 0xFFFFFFFFU;
    found.loopback = (entry->ifa_flags & IFF_LOOPBACK) != 0;
    found.default_route = found.name == default_route;
    interfaces.push_back(std::move(found));
  }
  return interfaces;
}

std::string format_address(std::uint32_t address) {
  return fmt::format("{}.{}.{}.{}", address >> 24U, address >> 16U & 0xFFU, address >> 8U & 0xFFU,
                     address & 0xFFU);
}

std::string network_identity() {
  std::string boot;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> boot;
  struct stat status {};
  const bool known = ::stat("/proc/self/ns/net", &status) == 0;
  return fmt::format("{}:{}", boot, known ? status.st_ino : 0);
}

std::string RankNetwork::to_text() const {
  std::vector<std::string> fields{identity};
  for (const auto& entry : interfaces) {
    fields.push_back(join_fields({entry.name, std::to_string(entry.address), std::to_string(entry.mask),
                                  entry.loopback ? "1" : "0", entry.default_route ? "1" : "0"}));
  }
  return join_fields(fields);
}

RankNetwork RankNetwork::from_text(std::string_view text) {
  auto fields = split_fields(text);
  RankNetwork rank;
  rank.identity = std::move(fields.at(0));
  for (std::size_t i = 1; i < fields.size(); ++i) {
    auto parts = split_fields(fields[i]);
    NetworkInterface entry;
    entry.name = std::move(parts.at(0));
    entry.address = static_cast<std::uint32_t>(std::stoul(parts.at(1)));
    entry.mask = static_cast<std::uint32_t>(std::stoul(parts.at(2)));
    entry.loopback = parts.at(3) == "1";
    entry.default_route = parts.at(4) == "1";
    rank.interfaces.push_back(std::move(entry));
  }
  return rank;
}

NetworkInterface choose_interface(const std::string& wish, std::span<const RankNetwork> ranks,
                                  std::size_t rank) {
  const auto& own = ranks[rank];
  if (wish == "auto") return choose_automatically(ranks, own);
  const auto found = std::ranges::find(own.interfaces, wish, &NetworkInterface::name);
  if (found != own.interfaces.end() && found->loopback && !all_on_one_host(ranks)) {
    throw UsageError(fmt::format("dist.interface: '{}' does not lead to the other hosts; there is {}", wish,
                                 list_of(own.interfaces)),
                     "dist.interface: auto finds one that the hosts share");
  }
  if (found != own.interfaces.end()) return *found;
  throw UsageError(
      fmt::format("dist.interface: no '{}' that is up; there is {}", wish, list_of(own.interfaces)),
      "dist.interface: auto finds one that the hosts share");
}

}  // namespace ft
