#include "text_fields.h"

#include <charconv>

#include "ft/base/error.h"

namespace ft {

std::string join_fields(const std::vector<std::string>& fields) {
  std::string text;
  for (const auto& field : fields) text += std::to_string(field.size()) + ':' + field;
  return text;
}

std::vector<std::string> split_fields(std::string_view text) {
  std::vector<std::string> fields;
  while (!text.empty()) {
    std::size_t length = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
    const auto header = static_cast<std::size_t>(end - text.data()) + 1;
    if (error != std::errc{} || header > text.size() || *end != ':' || length > text.size() - header) {
      throw PeerError("another rank sent a record that does not parse",
                      "do all ranks run the same build of ft_dist?");
    }
    fields.emplace_back(text.substr(header, length));
    text.remove_prefix(header + length);
  }
  return fields;
}

}  // namespace ft
