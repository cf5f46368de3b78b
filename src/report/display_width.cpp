#include "display_width.h"

#include <algorithm>

namespace ft {
namespace {

// Every byte of a UTF-8 character but its first is 10xxxxxx.
bool starts_character(char byte) noexcept {
  return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U;
}

}  // namespace

std::size_t display_width(std::string_view text) noexcept {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), starts_character));
}

std::string clip_to_width(std::string_view text, std::size_t width) {
  std::size_t columns = 0;
  std::size_t end = 0;
  while (end < text.size() && (!starts_character(text[end]) || ++columns <= width)) ++end;
  return std::string(text.substr(0, end));
}

}  // namespace ft
