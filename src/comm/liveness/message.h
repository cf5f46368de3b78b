// What the watchdogs say to each other, and how it travels: a length of four bytes, then text fields.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ft/comm/liveness/activity.h"

namespace ft {

enum class MessageKind {
  kHello,     // token, rank, nature ("join", "ask", "tell"): first on every connection, or it is dropped
  kWelcome,   // rank 0's answer to "join"
  kBeat,      // an ActivityReport; rank 0's holds the latest progress of anyone
  kVerdict,   // a Verdict
  kFailed,    // to rank 0: an OwnFailure
  kFarewell,  // the sender leaves in good order
  kAlive,     // the answer to "ask"
};

struct Message {
  MessageKind kind;
  std::vector<std::string> fields;
};

inline constexpr std::size_t kLengthBytes = 4;
inline constexpr std::size_t kLongestMessage = 64U << 10U;

[[nodiscard]] std::string encode(const Message& message);
// Takes the first message from `buffer`, if it is all there. PeerError when the bytes are none of ours.
[[nodiscard]] std::optional<Message> take_message(std::string& buffer);

[[nodiscard]] Message beat_message(const ActivityReport& report);
// PeerError when the fields do not fit.
[[nodiscard]] ActivityReport report_from(const Message& beat);

// Why the run is over.
struct Verdict {
  std::vector<int> ranks;  // lost
  std::string text;        // "rank 3 on n1 is gone (...)"
  std::string hint;
  bool failed = false;     // not lost: that rank ended with an error, which it has said itself
  bool own_words = false;  // this rank found out, and is the one to speak; does not travel

  [[nodiscard]] bool names(int rank) const;
};

// An error of the sender's own, with which it ends.
struct OwnFailure {
  std::string what;
  bool said = true;  // by the sender, on standard error
};

[[nodiscard]] Message failure_message(const OwnFailure& failure);
// PeerError when the fields do not fit.
[[nodiscard]] OwnFailure failure_from(const Message& message);

[[nodiscard]] Message verdict_message(const Verdict& verdict);
[[nodiscard]] Verdict verdict_from(const Message& message);

}  // namespace ft
