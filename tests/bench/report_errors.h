// What the main() of each benchmark does with an error.
#pragma once

#include <cstdio>
#include <exception>

#include <fmt/format.h>

namespace ft {

// What `run` returns; 1, after a line on stderr, when it throws.
template <class Run>
[[nodiscard]] int report_errors(const char* program, const Run& run) {
  try {
    return run();
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}: error: {}\n", program, error.what());
    return 1;
  }
}

}  // namespace ft
