// A program for tests/mpi/test_session.sh: does what its argument says inside an MpiSession.
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string_view>

#include <mpi.h>

#include "ft/base/error.h"
#include "ft/comm/backends.h"
#include "ft/comm/liveness/liveness.h"

// MPI lets a program stand between itself and the library. The proof of an abort is a file, and not what is
// printed about it: mpirun can lose that while it takes the job down.
int MPI_Abort(MPI_Comm comm, int status) {
  if (const char* proof = std::getenv("FT_ABORT_PROOF")) std::ofstream(proof) << status << '\n';
  return PMPI_Abort(comm, status);
}

namespace {

// The last rank throws; the others are told by its watchdog.
[[noreturn]] void throw_watched(ft::Liveness& liveness, ft::Communicator& world, bool last) {
  liveness.start(world, {});
  if (last) {
    std::cerr << "the last rank says why\n";
    liveness.leave_after_failure(static_cast<int>(ft::ExitCode::kDiverged), "it had to be", /*said=*/true);
  }
  try {
    world.barrier("waiting for a rank that throws");
  } catch (const ft::PeerError& error) {
    if (std::string_view(error.what()).find("ended with an error: it had to be") == std::string_view::npos) {
      std::cerr << "another error: " << error.what() << '\n';
    }
  }
  liveness.leave_after_loss();
}

int probe(int argc, char** argv) {
  const std::string_view wish = argc > 1 ? argv[1] : "end";
  ft::MpiSession session(argc, argv);
  ft::Liveness liveness(session.rank(), session.world_size());
  const auto world = ft::make_host_communicator(session);
  const bool last = world->rank() == world->world_size() - 1;
  if (wish == "watched-throw") throw_watched(liveness, *world, last);
  if (wish == "abort" && last) session.abort(static_cast<int>(ft::ExitCode::kDiverged));
  if (wish == "throw" && last) throw ft::DataError("a rank that throws");
  if (wish != "end") {
    // The others would wait for ever.
    world->barrier("waiting for a rank that is gone");
  }
  world->barrier("the end");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return probe(argc, argv);
  } catch (const ft::Error& error) {
    std::cerr << error.what() << " | " << error.hint() << '\n';
    return static_cast<int>(error.code());
  }
}
