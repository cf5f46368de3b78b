#include "ft/base/standard_output.h"

#include <cerrno>
#include <cstdio>
#include <iostream>

#include "ft/base/error.h"

namespace ft {

void finish_standard_output() {
  errno = 0;
  std::cout.flush();
  const bool flushed = std::fflush(stdout) == 0;
  if (flushed && std::cout.good() && std::ferror(stdout) == 0) return;
  if (errno == 0) throw DataError("cannot write to stdout: some of the result is lost");
  throw_errno("write to", "stdout");
}

}  // namespace ft
