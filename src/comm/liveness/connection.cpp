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

short Connection::events() const noexcept {
  if (connecting_) return POLLOUT;
  return static_cast<short>(output_.empty() ? POLLIN : POLLIN | POLLOUT);
}

void Connection::send(const Message& message) {
  if (!open()) return;
  output_ += encode(message);
  if (!connecting_) flush();
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
  if (connect_error(socket_) != 0) {
    close();
  } else {
    flush();
  }
}

void Connection::flush() {
  while (!output_.empty()) {
    const auto sent = ::send(socket_.descriptor(), output_.data(), output_.size(), MSG_NOSIGNAL);
    if (sent < 0) {
      // The end is found by reading, after what may still be there to read.
      if (!is_for_later(errno)) output_.clear();
      return;
    }
    output_.erase(0, static_cast<std::size_t>(sent));
  }
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
