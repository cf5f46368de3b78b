#include "mpi_error.h"

#include <array>
#include <string>

#include <fmt/format.h>
#include <mpi.h>

#include "ft/base/error.h"

namespace ft {

void check_mpi(int code, std::string_view call) {
  if (code == MPI_SUCCESS) return;
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  if (MPI_Error_string(code, text.data(), &length) != MPI_SUCCESS) length = 0;
  throw PeerError(fmt::format("{} failed: {}", call,
                              length > 0 ? std::string(text.data(), static_cast<std::size_t>(length))
                                         : fmt::format("MPI error {}", code)));
}

}  // namespace ft
