#include "doorway.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <utility>

namespace ft {

namespace {

constexpr std::chrono::seconds kPatience{5};
constexpr std::size_t kMostStrangers = 4096;
constexpr std::chrono::milliseconds kTryAgain{100};

// Takes as long for a nearly right token as for a wrong one.
bool same_token(const std::string& a, const std::string& b) {
  unsigned difference = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]);
  }
  return difference == 0;
}

bool is_lack_of_room(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

Message hello(const std::string& token, int rank, Nature nature) {
  return {MessageKind::kHello, {token, std::to_string(rank), std::to_string(static_cast<int>(nature))}};
}

Doorway::Doorway(Socket listener, std::string token, int world_size)
    : listener_(std::move(listener)), token_(std::move(token)), world_size_(world_size) {}

void Doorway::add_to(PollSet& set, TimePoint now) {
  // Who cannot be taken in keeps the listener ready: asking at once would be asking all the time.
  place_ = set.add(now < shut_until_ ? -1 : listener_.descriptor(), POLLIN);
  for (auto& stranger : strangers_) {
    stranger.place = set.add(stranger.connection.descriptor(), stranger.connection.events());
    stranger.polled = true;
  }
}

std::vector<Doorway::Guest> Doorway::admit(const PollSet& set, TimePoint now) {
  std::vector<Guest> guests;
  for (auto stranger = strangers_.begin(); stranger != strangers_.end();) {
    auto messages =
        stranger->polled ? stranger->connection.handle(set.found(stranger->place)) : std::vector<Message>();
    Guest guest{};
    const bool spoke = !messages.empty();
    if (spoke && recognize(std::move(messages), guest)) {
      guest.connection = std::move(stranger->connection);
      guests.push_back(std::move(guest));
    } else if (!spoke && stranger->connection.open() && now - stranger->since < kPatience) {
      ++stranger;
      continue;
    }
    stranger = strangers_.erase(stranger);
  }
  if (set.found(place_) != 0) accept_all(now);
  return guests;
}

void Doorway::accept_all(TimePoint now) {
  while (strangers_.size() < kMostStrangers) {
    int error = 0;
    Socket socket = accept_from(listener_, error);
    if (error == ECONNABORTED || error == EINTR) continue;
    if (!socket.open()) {
      full_ = is_lack_of_room(error);
      if (full_) shut_until_ = now + kTryAgain;
      return;
    }
    full_ = false;
    strangers_.push_back({Connection(std::move(socket)), now});
  }
  // The longest silent one makes room for the next.
  strangers_.pop_front();
}

bool Doorway::recognize(std::vector<Message> messages, Guest& guest) const {
  const auto& fields = messages[0].fields;
  if (messages[0].kind != MessageKind::kHello || fields.size() != 3 || !same_token(fields[0], token_)) {
    return false;
  }
  const auto number = [](const std::string& text) {
    int value = -1;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
  };
  guest.rank = number(fields[1]);
  const int nature = number(fields[2]);
  if (guest.rank < 0 || guest.rank >= world_size_ || nature < 0 || nature > static_cast<int>(Nature::kTell)) {
    return false;
  }
  guest.nature = static_cast<Nature>(nature);
  guest.more.assign(std::make_move_iterator(messages.begin() + 1), std::make_move_iterator(messages.end()));
  return true;
}

}  // namespace ft
