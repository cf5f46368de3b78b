// What CLI11's own checks let through or say badly.
#pragma once

#include <charconv>
#include <cstdint>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace ft {

// "" is what a shell makes of an unset variable.
inline CLI::Validator not_empty() {
  return {[](std::string& text) {
            return text.empty() ? std::string("expected a path, got nothing") : std::string();
          },
          ""};
}

// CLI11 takes -1 for 2^64 - 1.
inline CLI::Validator whole_number() {
  return {[](std::string& text) {
            std::uint64_t value = 0;
            const char* const end = text.data() + text.size();
            const auto [stop, error] = std::from_chars(text.data(), end, value);
            const bool good = stop == end && error == std::errc();
            return good ? std::string() : fmt::format("expected a whole number from 0, got '{}'", text);
          },
          ""};
}

}  // namespace ft
