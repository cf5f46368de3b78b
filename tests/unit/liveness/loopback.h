// The kernel's side of a test's own TCP connections: what has been sent must have arrived before the test's
// clock moves on, however busy the machine is.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

namespace ft::testing_support {

inline std::vector<int> open_descriptors() {
  std::vector<int> found;
  std::error_code none_left;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", none_left)) {
    found.push_back(std::stoi(entry.path().filename().string()));
  }
  if (!none_left) return found;
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  for (int descriptor = 0; descriptor < static_cast<int>(limit.rlim_cur); ++descriptor) {
    if (::fcntl(descriptor, F_GETFD) >= 0) found.push_back(descriptor);
  }
  return found;
}

// One end of a connection; its partner is in this process as well.
struct TcpEnd {
  unsigned state = 0;
  std::uint64_t sent = 0;  // without repeats
  std::uint64_t received = 0;
  int unacknowledged = 0;
};

// By (own port, the partner's port).
using TcpEnds = std::map<std::pair<std::uint16_t, std::uint16_t>, TcpEnd>;

// As in the kernel's enum; <netinet/tcp.h> has the names, but not all of tcp_info.
inline constexpr unsigned kSynSent = 2, kSynReceived = 3, kFinWait1 = 4, kClose = 7, kCloseWait = 8,
                          kLastAck = 9, kListen = 10, kClosing = 11;

inline TcpEnds tcp_ends() {
  TcpEnds ends;
  for (const int descriptor : open_descriptors()) {
    tcp_info info{};
    socklen_t length = sizeof(info);
    if (::getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &length) != 0) continue;
    if (info.tcpi_state == kListen || info.tcpi_state == kClose) continue;
    TcpEnd end{info.tcpi_state, info.tcpi_bytes_sent - info.tcpi_bytes_retrans, info.tcpi_bytes_received};
    ::ioctl(descriptor, SIOCOUTQ, &end.unacknowledged);
    sockaddr_in own{}, theirs{};
    socklen_t own_length = sizeof(own), their_length = sizeof(theirs);
    ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&own), &own_length);
    ::getpeername(descriptor, reinterpret_cast<sockaddr*>(&theirs), &their_length);
    ends[{own.sin_port, theirs.sin_port}] = end;
  }
  return ends;
}

// Acknowledgements alone do not say it: receivers put them off by 40 ms.
inline bool all_delivered(const TcpEnds& ends) {
  return std::ranges::all_of(ends, [&](const auto& entry) {
    const auto& [ports, end] = entry;
    if (end.state == kSynSent || end.state == kSynReceived) return false;
    const bool ending = end.state == kFinWait1 || end.state == kLastAck || end.state == kClosing;
    if (end.unacknowledged == 0 && !ending) return true;
    const auto other = ends.find({ports.second, ports.first});
    if (other == ends.end() || other->second.received < end.sent) return false;
    const unsigned state = other->second.state;
    return !ending || state == kCloseWait || state == kLastAck || state == kClosing;
  });
}

// Until everything that this process has sent over TCP is in the receiving sockets.
inline void wait_for_delivery() {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!all_delivered(tcp_ends())) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "loopback does not deliver";
    std::this_thread::yield();
  }
}

// Until the ends of closed sockets have arrived too; those belong to no process any more.
inline void wait_for_ends(const std::vector<std::uint16_t>& ports) {
  const auto is_ours = [&](const std::string& address) {
    const auto port = std::stoul(address.substr(address.find(':') + 1), nullptr, 16);
    return std::ranges::find(ports, port) != ports.end();
  };
  const auto any_ending = [&] {
    std::ifstream table("/proc/net/tcp");
    std::string line;
    std::getline(table, line);
    while (std::getline(table, line)) {
      std::istringstream words(line);
      std::string number, local, remote, state;
      words >> number >> local >> remote >> state;
      const bool ending = state == "04" || state == "09" || state == "0B";  // FIN_WAIT1, LAST_ACK, CLOSING
      if (ending && (is_ours(local) || is_ours(remote))) return true;
    }
    return false;
  };
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (any_ending()) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "loopback does not deliver";
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

// The most files that this process may open, for as long as it lives.
class FileLimit {
 public:
  explicit FileLimit(rlim_t most) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    set(most);
  }
  FileLimit(const FileLimit&) = delete;
  FileLimit& operator=(const FileLimit&) = delete;
  ~FileLimit() { ::setrlimit(RLIMIT_NOFILE, &before_); }

  // False where the hard limit is lower.
  bool set(rlim_t most) {
    const rlimit limit{most, before_.rlim_max};
    return ::setrlimit(RLIMIT_NOFILE, &limit) == 0;
  }

 private:
  rlimit before_{};
};

}  // namespace ft::testing_support
