// Preloaded by test_lost_ranks.py: once the file FT_GIVE_UP is there, the next test of a request on one of
// FT_GIVE_UP_RANKS ("0,2") leaves FT_GIVE_UP.RANK and ends as in Open MPI when a peer is gone that it sends
// to.
#include <cstdlib>
#include <fstream>
#include <string>

#include <dlfcn.h>
#include <mpi.h>
#include <unistd.h>

// What Open MPI's transport calls then; in libmpi.
extern "C" void ompi_rte_abort(int error_code, char* format, ...);

namespace {

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

void give_up_if_told() {
  static const std::string file = variable("FT_GIVE_UP");
  static const std::string rank = variable("OMPI_COMM_WORLD_RANK");
  static const bool meant =
      ("," + variable("FT_GIVE_UP_RANKS") + ",").find("," + rank + ",") != std::string::npos;
  if (!meant || ::access(file.c_str(), F_OK) != 0) return;
  std::ofstream(file + "." + rank).close();
  ompi_rte_abort(-1, nullptr);
}

template <typename Function>
Function* replaced(Function* /*ours*/, const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" int MPI_Testsome(int count, MPI_Request requests[], int* completed, int indices[],
                            MPI_Status statuses[]) {
  static auto* const real = replaced(&MPI_Testsome, "MPI_Testsome");
  give_up_if_told();
  return real(count, requests, completed, indices, statuses);
}

extern "C" int MPI_Testall(int count, MPI_Request requests[], int* flag, MPI_Status statuses[]) {
  static auto* const real = replaced(&MPI_Testall, "MPI_Testall");
  give_up_if_told();
  return real(count, requests, flag, statuses);
}
