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
  // `connecting`: started by connect_to() and perhaps not there yet.
  Connection(Socket socket, bool connecting) noexcept
      : socket_(std::move(socket)), connecting_(connecting && socket_.open()) {}

  [[nodiscard]] bool open() const noexcept { return socket_.open(); }
  [[nodiscard]] bool established() const noexcept { return open() && !connecting_; }
  [[nodiscard]] int descriptor() const noexcept { return socket_.descriptor(); }
  // For poll().
  [[nodiscard]] short events() const noexcept;
  // Everything sent so far is with the kernel (or never will be).
  [[nodiscard]] bool flushed() const noexcept { return !open() || output_.empty(); }

  // Queued until the connection takes it.
  void send(const Message& message);
  // Does what poll() found possible; the messages that came, those before an end of the connection included.
  [[nodiscard]] std::vector<Message> handle(short found);
  void close() noexcept { socket_.close(); }

 private:
  void finish_connecting();
  void flush();
  void fill();

  Socket socket_;
  bool connecting_ = false;
  std::string input_;
  std::string output_;
};

}  // namespace ft
