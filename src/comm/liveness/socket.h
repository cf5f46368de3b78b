// TCP sockets as objects. All are non-blocking, closed on exec, and without delay for small messages.
#pragma once

#include <cstdint>
#include <utility>

namespace ft {

class Socket {
 public:
  Socket() = default;
  explicit Socket(int descriptor) noexcept : descriptor_(descriptor) {}
  Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Socket& operator=(Socket&& other) noexcept;
  ~Socket() { close(); }

  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
  [[nodiscard]] bool open() const noexcept { return descriptor_ >= 0; }
  void close() noexcept;

 private:
  int descriptor_ = -1;
};

struct TcpAddress {
  std::uint32_t host = 0;  // IPv4, host byte order
  std::uint16_t port = 0;
};

// Bound to this address only, at a port that the system picks and that is put into `address`. PeerError.
[[nodiscard]] Socket listen_on(TcpAddress& address);
// The next connection that waits. Closed when there is none, or none can be taken in: `error` (an errno)
// says.
[[nodiscard]] Socket accept_from(const Socket& listener, int& error);
// Started from the address `from`; it may still be under way when this returns. Closed when it cannot even
// start; `error` (an errno) then says why.
[[nodiscard]] Socket connect_to(const TcpAddress& to, std::uint32_t from, int& error);
// 0, or why a started connection did not come about (an errno).
[[nodiscard]] int connect_error(const Socket& socket);

}  // namespace ft
