// Which of a host's network addresses the ranks use among themselves.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ft {

// Addresses are IPv4, in host byte order.
struct NetworkInterface {
  std::string name;  // "eth0"
  std::uint32_t address = 0;
  std::uint32_t mask = 0;
  bool loopback = false;
  bool default_route = false;

  [[nodiscard]] std::uint32_t network() const noexcept { return address & mask; }
};

// This host's interfaces that are up and have an address.
[[nodiscard]] std::vector<NetworkInterface> list_interfaces();

// "10.77.0.1"
[[nodiscard]] std::string format_address(std::uint32_t address);

// What two processes have in common if and only if they reach each other by the loopback interface. Unlike a
// host's name it is never the same on two hosts.
[[nodiscard]] std::string network_identity();

// One rank's view, and how it travels.
struct RankNetwork {
  std::string identity;
  std::vector<NetworkInterface> interfaces;

  [[nodiscard]] std::string to_text() const;
  [[nodiscard]] static RankNetwork from_text(std::string_view text);
};

// The interface that `rank` should use. `wish` is "auto" or a name. auto: loopback when all are on one host;
// else one whose network all hosts share, the default route's first; else the default route's. Never one that
// containers or virtual machines use inside a host. Pure. UsageError that lists what there is.
[[nodiscard]] NetworkInterface choose_interface(const std::string& wish, std::span<const RankNetwork> ranks,
                                                std::size_t rank);

}  // namespace ft
