#include <cstdlib>

#include <gtest/gtest.h>
#include <mpi.h>

#include "ft/base/error.h"
#include "ft/comm/backends.h"

#include "mpi_world.h"

namespace ft {
namespace {

MpiSession& session() {
  return testing_support::CurrentSession::get();
}

TEST(Session, IsActiveExactlyUnderALauncher) {
  EXPECT_EQ(session().active(), session().launcher().launcher != "none");
  int initialized = 0;
  MPI_Initialized(&initialized);
  EXPECT_EQ(initialized != 0, session().active());
}

TEST(Session, AgreesWithTheLauncher) {
  EXPECT_EQ(session().rank(), session().launcher().rank);
  EXPECT_EQ(session().world_size(), session().launcher().world_size);
}

TEST(Session, OffersEveryThreadMpi) {
  if (!session().active()) GTEST_SKIP() << "started without a launcher, so without MPI";
  int provided = 0;
  MPI_Query_thread(&provided);
  EXPECT_EQ(provided, MPI_THREAD_MULTIPLE);
}

TEST(Session, GivesTheHostBackendThatFits) {
  const auto world = make_host_communicator(session());
  EXPECT_EQ(world->backend(), session().active() ? "mpi" : "single");
  EXPECT_EQ(world->world_size(), session().world_size());
}

TEST(Session, RefusesTheMpiBackendWithoutALauncher) {
  if (session().active()) GTEST_SKIP() << "started by a launcher";
  EXPECT_THROW(static_cast<void>(make_mpi_communicator(session())), UsageError);
}

TEST(Session, ReturnsErrorsInsteadOfAborting) {
  if (!session().active()) GTEST_SKIP() << "started without a launcher, so without MPI";
  MPI_Errhandler handler = MPI_ERRHANDLER_NULL;
  MPI_Comm_get_errhandler(MPI_COMM_WORLD, &handler);
  EXPECT_EQ(handler, MPI_ERRORS_RETURN);
  MPI_Errhandler_free(&handler);
}

}  // namespace
}  // namespace ft
