// One TCP connection that carries messages.
#pragma once

#include <string>
#include <vector>

#include "message.h"
#include "socket.h"

namespace ft {

// Never blocks and never throws for what the other end does: a connection that breaks, or carries bytes that
// are no messages, is closed from then on.
class Connection {
 public:
  Connection() = default;
  // One that is there already.
  explicit Connection(Socket socket) noexcept : socket_(std::move(socket)), was_there_(true) {}
  // Started from the address `from` of this host, and perhaps not there yet.
  [[nodiscard]] static Connection to(const TcpAddress& to, std::uint32_t from);

  [[nodiscard]] bool open() const noexcept { return socket_.open(); }
  // Nobody listens there: the process that did has ended, unless a firewall says so in its place.
  [[nodiscard]] bool refused() const noexcept { return refused_; }
  [[nodiscard]] bool established() const noexcept { return open() && !connecting_; }
  // Refused, or there once and closed since. One that this host could not even start says nothing of the
  // other end, nor does one that never came about.
  [[nodiscard]] bool ended() const noexcept { return refused_ || (was_there_ && !open()); }
  [[nodiscard]] int descriptor() const noexcept { return socket_.descriptor(); }
  // For poll().
  [[nodiscard]] short events() const noexcept;
  // Nothing is left to be done for what was sent: it is with the kernel, or never will be; after finish(): it
  // has arrived.
  [[nodiscard]] bool settled() const noexcept { return !open() || (output_.empty() && !finishing_); }

  // Queued until the connection takes it.
  void send(const Message& message);
  // Says that nothing follows. The other end closes once it has read that, and all before it, and so this end
  // learns that it has arrived. Closing at once instead may throw away what is still on its way: a system
  // that closes a connection with something unread answers every repeat of a lost packet with a reset.
  void finish();
  // Does what poll() found possible; the messages that came, those before an end of the connection included.
  [[nodiscard]] std::vector<Message> handle(short found);
  void close() noexcept { socket_.close(); }

 private:
  void finish_connecting();
  void note_error(int error) noexcept;
  void flush();
  void fill();

  Socket socket_;
  bool connecting_ = false;
  bool was_there_ = false;
  bool refused_ = false;
  bool finishing_ = false;
  std::string input_;
  std::string output_;
};

}  // namespace ft
