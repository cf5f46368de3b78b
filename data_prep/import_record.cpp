#include "import_record.h"

#include <cstring>

#include "ft/base/hash.h"

namespace ft {
namespace {

// In front of each record.
struct Frame {
  std::uint64_t xxh3;  // of the body
  std::uint64_t bytes;
};

constexpr std::size_t kFixedBytes = 1 + sizeof(ImportedSample);  // refused, sample; the note follows

template <class T>
void append_bytes(std::string& out, const T& value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

}  // namespace

void append_record(std::string& out, const ImportRecord& record) {
  const std::size_t start = out.size();
  out.resize(start + sizeof(Frame));
  out.push_back(record.refused ? '\1' : '\0');
  append_bytes(out, record.sample);
  out += record.note;
  const std::string_view body = std::string_view(out).substr(start + sizeof(Frame));
  const Frame frame{.xxh3 = xxh3_64(std::as_bytes(std::span(body))), .bytes = body.size()};
  std::memcpy(out.data() + start, &frame, sizeof(frame));
}

std::size_t visit_records(std::string_view text, const std::function<void(ImportRecord&&)>& visit) {
  std::size_t at = 0;
  while (text.size() - at >= sizeof(Frame)) {
    Frame frame{};
    std::memcpy(&frame, text.data() + at, sizeof(frame));
    const std::string_view rest = text.substr(at + sizeof(frame));
    if (frame.bytes < kFixedBytes || frame.bytes > rest.size()) break;
    const std::string_view body = rest.substr(0, frame.bytes);
    if (xxh3_64(std::as_bytes(std::span(body))) != frame.xxh3) break;
    ImportRecord record;
    record.refused = body.front() != '\0';
    std::memcpy(&record.sample, body.data() + 1, sizeof(record.sample));
    record.note = body.substr(kFixedBytes);
    visit(std::move(record));
    at += sizeof(frame) + frame.bytes;
  }
  return at;
}

}  // namespace ft
