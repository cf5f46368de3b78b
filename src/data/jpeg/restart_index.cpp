#include "restart_index.h"

#include <fmt/format.h>

#include "ft/base/error.h"

namespace ft::jpeg {
namespace {

constexpr unsigned kFirstRestart = 0xD0;
constexpr unsigned kEndOfImage = 0xD9;

[[noreturn]] void fail(const char* what) {
  throw DataError(fmt::format("the restart index does not fit the JPEG: {}", what));
}

}  // namespace

RestartIndex::RestartIndex(std::span<const std::byte> payload, std::size_t data,
                           std::span<const std::uint32_t> offsets, std::size_t intervals)
    : payload_(payload), data_(data), offsets_(offsets) {
  if (offsets.size() != intervals) fail("it has another number of intervals");
}

std::size_t RestartIndex::begin_of(std::size_t index) const {
  const std::size_t at = offsets_[index];
  if (index == 0) {
    if (at != data_) fail("the first offset is not where the data begin");
    return at;
  }
  if (at < 2 || at > payload_.size() || std::to_integer<unsigned>(payload_[at - 2]) != 0xFF ||
      std::to_integer<unsigned>(payload_[at - 1]) != kFirstRestart + ((index - 1) & 7U)) {
    fail("an offset without its restart marker");
  }
  return at;
}

std::span<const std::byte> RestartIndex::interval(std::size_t index) const {
  const std::size_t begin = begin_of(index);
  std::size_t end = payload_.size();
  if (index + 1 < offsets_.size()) {
    end = begin_of(index + 1) - 2;
  } else if (end >= 2 && std::to_integer<unsigned>(payload_[end - 1]) == kEndOfImage) {
    end -= 2;
  }
  if (begin > end) fail("its offsets do not ascend");
  return payload_.subspan(begin, end - begin);
}

}  // namespace ft::jpeg
