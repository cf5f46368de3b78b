#include "connection.h"

#include <array>
#include <cerrno>

#include <poll.h>
#include <sys/socket.h>

#include "ft/base/error.h"

namespace ft {

namespace {

bool is_for_later(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

}  // namespace

Connection Connection::to(const TcpAddress& to, std::uint32_t from) {
  int error = 0;
  Connection connection(connect_to(to, from, error));
  connection.connecting_ = connection.open();
  connection.was_there_ = false;
  connection.note_error(error);
  return connection;
}

void Connection::note_error(int error) noexcept {
  refused_ = error == ECONNREFUSED;
}

short Connection::events() const noexcept {
  if (connecting_) return POLLOUT;
  return static_cast<short>(output_.empty() ? POLLIN : POLLIN | POLLOUT);
}

void Connection::send(const Message& message) {
  if (!open()) return;
  output_ += encode(message);
  if (!connecting_) flush();
}

void Connection::finish() {
  finishing_ = true;
  if (open() && !connecting_) flush();
}

std::vector<Message> Connection::handle(short found) {
  std::vector<Message> messages;
  if (!open() || found == 0) return messages;
  if (connecting_) finish_connecting();
  if (!established()) return messages;
  // What has come is read before anything is written: after a failed write the connection is closed.
  if ((found & (POLLIN | POLLHUP | POLLERR)) != 0) fill();
  try {
    while (auto message = take_message(input_)) messages.push_back(std::move(*message));
  } catch (const Error&) {
    close();
  }
  if (open() && !output_.empty()) flush();
  return messages;
}

void Connection::finish_connecting() {
  connecting_ = false;
  const int error = connect_error(socket_);
  note_error(error);
  if (error != 0) {
    close();
  } else {
    was_there_ = true;
    flush();
  }
}

void Connection::flush() {
  while (!output_.empty()) {
    const auto sent = ::send(socket_.descriptor(), output_.data(), output_.size(), MSG_NOSIGNAL);
    if (sent < 0) {
      if (is_for_later(errno)) return;
      // The end is found by reading, after what may still be there to read.
      output_.clear();
      break;
    }
    output_.erase(0, static_cast<std::size_t>(sent));
  }
  if (finishing_) ::shutdown(socket_.descriptor(), SHUT_WR);
}

void Connection::fill() {
  std::array<char, 4096> piece{};
  // Bounded, so that a flood from one end cannot keep the others waiting.
  for (int round = 0; round < 64; ++round) {
    const auto got = ::recv(socket_.descriptor(), piece.data(), piece.size(), 0);
    if (got > 0) {
      input_.append(piece.data(), static_cast<std::size_t>(got));
      continue;
    }
    if (got == 0 || !is_for_later(errno)) close();
    return;
  }
}

}  // namespace ft
