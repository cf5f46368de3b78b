#include "socket.h"

#include <cerrno>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ft/base/error.h"
#include "ft/comm/liveness/network_interface.h"

namespace ft {

namespace {

sockaddr_in to_system(std::uint32_t host, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(host);
  address.sin_port = htons(port);
  return address;
}

// The socket interface takes every kind of address through one type.
sockaddr* generic(sockaddr_in& address) {
  return reinterpret_cast<sockaddr*>(&address);
}

void send_at_once(int descriptor) {
  const int on = 1;
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

Socket make_socket() {
  Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (socket.open()) send_at_once(socket.descriptor());
  return socket;
}

}  // namespace

Socket& Socket::operator=(Socket&& other) noexcept {
  if (this != &other) {
    close();
    descriptor_ = std::exchange(other.descriptor_, -1);
  }
  return *this;
}

void Socket::close() noexcept {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

Socket listen_on(TcpAddress& address) {
  constexpr int kBacklog = 1024;
  Socket socket = make_socket();
  auto own = to_system(address.host, 0);
  socklen_t length = sizeof(own);
  if (!socket.open() || ::bind(socket.descriptor(), generic(own), sizeof(own)) != 0 ||
      ::listen(socket.descriptor(), kBacklog) != 0 ||
      ::getsockname(socket.descriptor(), generic(own), &length) != 0) {
    throw PeerError(fmt::format("cannot listen on {}: {}", format_address(address.host), errno_text(errno)));
  }
  address.port = ntohs(own.sin_port);
  return socket;
}

Socket accept_from(const Socket& listener, int& error) {
  Socket socket(::accept4(listener.descriptor(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  error = socket.open() ? 0 : errno;
  if (socket.open()) send_at_once(socket.descriptor());
  return socket;
}

Socket connect_to(const TcpAddress& to, std::uint32_t from, int& error) {
  Socket socket = make_socket();
  error = socket.open() ? 0 : errno;
  if (!socket.open()) return socket;
  auto own = to_system(from, 0);
  auto theirs = to_system(to.host, to.port);
  // Otherwise each connection would use up a port of this host, of which there are 28 thousand.
  const int on = 1;
  ::setsockopt(socket.descriptor(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
  if (::bind(socket.descriptor(), generic(own), sizeof(own)) == 0 &&
      ::connect(socket.descriptor(), generic(theirs), sizeof(theirs)) == 0) {
    return socket;
  }
  if (errno == EINPROGRESS) return socket;
  error = errno;
  socket.close();
  return socket;
}

int connect_error(const Socket& socket) {
  int error = 0;
  socklen_t length = sizeof(error);
  if (::getsockopt(socket.descriptor(), SOL_SOCKET, SO_ERROR, &error, &length) != 0) return errno;
  return error;
}

}  // namespace ft
