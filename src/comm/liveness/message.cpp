#include "message.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ft/base/error.h"

#include "text_fields.h"

namespace ft {

namespace {

[[noreturn]] void refuse() {
  throw PeerError("bytes that are no message of a watchdog");
}

template <typename Number>
Number number_from(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) refuse();
  return number;
}

void require_fields(const Message& message, std::size_t count) {
  if (message.fields.size() != count) refuse();
}

}  // namespace

std::string encode(const Message& message) {
  std::vector<std::string> fields{std::to_string(static_cast<int>(message.kind))};
  fields.insert(fields.end(), message.fields.begin(), message.fields.end());
  const std::string body = join_fields(fields);
  std::string text;
  for (std::size_t byte = 0; byte < kLengthBytes; ++byte) {
    text += static_cast<char>(body.size() >> (8 * byte) & 0xFFU);
  }
  return text + body;
}

std::optional<Message> take_message(std::string& buffer) {
  if (buffer.size() < kLengthBytes) return std::nullopt;
  std::size_t length = 0;
  for (std::size_t byte = 0; byte < kLengthBytes; ++byte) {
    length |= static_cast<std::size_t>(static_cast<unsigned char>(buffer[byte])) << (8 * byte);
  }
  if (length > kLongestMessage) refuse();
  if (buffer.size() < kLengthBytes + length) return std::nullopt;
  auto fields = split_fields(std::string_view(buffer).substr(kLengthBytes, length));
  buffer.erase(0, kLengthBytes + length);
  if (fields.empty()) refuse();
  const int kind = number_from<int>(fields[0]);
  if (kind < 0 || kind > static_cast<int>(MessageKind::kAlive)) refuse();
  fields.erase(fields.begin());
  return Message{static_cast<MessageKind>(kind), std::move(fields)};
}

Message beat_message(const ActivityReport& report) {
  const double progress = report.since_progress ? report.since_progress->count() : -1;
  return {MessageKind::kBeat,
          {std::to_string(report.step), report.operation, fmt::format("{}", report.age.count()),
           fmt::format("{}", progress), report.waiting ? "1" : "0"}};
}

ActivityReport report_from(const Message& beat) {
  require_fields(beat, 5);
  ActivityReport report;
  report.step = number_from<std::uint64_t>(beat.fields[0]);
  report.operation = beat.fields[1];
  report.age = std::chrono::duration<double>(number_from<double>(beat.fields[2]));
  const auto progress = number_from<double>(beat.fields[3]);
  report.waiting = beat.fields[4] == "1";
  if (progress >= 0) report.since_progress = std::chrono::duration<double>(progress);
  return report;
}

bool Verdict::names(int rank) const {
  return std::ranges::find(ranks, rank) != ranks.end();
}

Message verdict_message(const Verdict& verdict) {
  // An error's text may quote anything, at any length.
  constexpr std::size_t kLongestText = 16U << 10U;
  return {MessageKind::kVerdict,
          {fmt::format("{}", fmt::join(verdict.ranks, ",")), verdict.text.substr(0, kLongestText),
           verdict.hint.substr(0, kLongestText), verdict.failed ? "1" : "0"}};
}

Message failure_message(const OwnFailure& failure) {
  constexpr std::size_t kLongestText = 16U << 10U;
  return {MessageKind::kFailed, {failure.what.substr(0, kLongestText), failure.said ? "1" : "0"}};
}

OwnFailure failure_from(const Message& message) {
  require_fields(message, 2);
  return {message.fields[0], message.fields[1] == "1"};
}

Verdict verdict_from(const Message& message) {
  require_fields(message, 4);
  Verdict verdict;
  std::string_view ranks = message.fields[0];
  while (!ranks.empty()) {
    const auto comma = std::min(ranks.find(','), ranks.size());
    verdict.ranks.push_back(number_from<int>(ranks.substr(0, comma)));
    ranks.remove_prefix(std::min(comma + 1, ranks.size()));
  }
  verdict.text = message.fields[1];
  verdict.hint = message.fields[2];
  verdict.failed = message.fields[3] == "1";
  return verdict;
}

}  // namespace ft
