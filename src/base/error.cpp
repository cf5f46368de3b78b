#include "ft/base/error.h"

#include <cerrno>
#include <system_error>

#include <fmt/format.h>

namespace ft {

std::string errno_text(int error_number) {
  return std::generic_category().message(error_number);
}

void throw_errno(std::string_view action, std::string_view path) {
  const int error_number = errno;
  std::string hint;
  if (error_number == ENOSPC || error_number == EDQUOT) hint = "free some space, or choose another directory";
  throw DataError(fmt::format("cannot {} {}: {}", action, path, errno_text(error_number)), hint);
}

}  // namespace ft
