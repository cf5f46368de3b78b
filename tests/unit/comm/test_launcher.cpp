#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ft/base/error.h"
#include "ft/comm/launcher.h"
#include "ft/comm/mpi_session.h"

#include "scoped_environment.h"

namespace ft {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Launcher : public testing::Test {
 protected:
  Launcher() {
    for (const char* name : {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK",
                             "OMPI_COMM_WORLD_LOCAL_SIZE", "SLURM_PROCID", "SLURM_NODEID", "SLURM_LOCALID",
                             "SLURM_STEP_NUM_TASKS", "SLURM_STEP_TASKS_PER_NODE", "PMIX_RANK", "PMI_RANK",
                             "PMI_SIZE", "MPI_LOCALRANKID", "MPI_LOCALNRANKS"}) {
      environment.set(name, std::nullopt);
    }
  }

  void pretend_mpirun() {
    environment.set("OMPI_COMM_WORLD_RANK", "5");
    environment.set("OMPI_COMM_WORLD_SIZE", "8");
    environment.set("OMPI_COMM_WORLD_LOCAL_RANK", "1");
    environment.set("OMPI_COMM_WORLD_LOCAL_SIZE", "4");
  }

  void pretend_srun() {
    environment.set("SLURM_PROCID", "3");
    environment.set("SLURM_LOCALID", "1");
    environment.set("SLURM_NODEID", "1");
    environment.set("SLURM_STEP_NUM_TASKS", "5");
    environment.set("SLURM_STEP_TASKS_PER_NODE", "2(x2),1");
  }

  ScopedEnvironment environment;
};

TEST_F(Launcher, IsNoneForAProcessOnItsOwn) {
  const auto launcher = launcher_environment();
  EXPECT_EQ(launcher.launcher, "none");
  EXPECT_EQ(launcher.rank, 0);
  EXPECT_EQ(launcher.world_size, 1);
  EXPECT_EQ(launcher.local_size, 1);
}

TEST_F(Launcher, ReadsMpirun) {
  pretend_mpirun();
  const auto launcher = launcher_environment();
  EXPECT_EQ(launcher.launcher, "mpirun");
  EXPECT_EQ(launcher.rank, 5);
  EXPECT_EQ(launcher.world_size, 8);
  EXPECT_EQ(launcher.local_rank, 1);
  EXPECT_EQ(launcher.local_size, 4);
  EXPECT_TRUE(launcher.speaks_mpi);
}

TEST_F(Launcher, ReadsSrun) {
  pretend_srun();
  environment.set("PMIX_RANK", "3");
  const auto launcher = launcher_environment();
  EXPECT_EQ(launcher.launcher, "srun");
  EXPECT_EQ(launcher.rank, 3);
  EXPECT_EQ(launcher.world_size, 5);
  EXPECT_EQ(launcher.local_rank, 1);
  EXPECT_EQ(launcher.local_size, 2);
  EXPECT_TRUE(launcher.speaks_mpi);
}

TEST_F(Launcher, PrefersMpirunInsideASlurmAllocation) {
  pretend_srun();
  pretend_mpirun();
  EXPECT_EQ(launcher_environment().launcher, "mpirun");
}

TEST_F(Launcher, DoesNotTakeABatchScriptForATask) {
  environment.set("SLURM_PROCID", "0");
  environment.set("SLURM_LOCALID", "0");
  EXPECT_EQ(launcher_environment().launcher, "none");
}

TEST_F(Launcher, KnowsAnotherMpisLauncher) {
  environment.set("PMI_RANK", "2");
  environment.set("PMI_SIZE", "8");
  const auto launcher = launcher_environment();
  EXPECT_EQ(launcher.launcher, "mpiexec");
  EXPECT_EQ(launcher.rank, 2);
  EXPECT_EQ(launcher.world_size, 8);
}

TEST_F(Launcher, NamesAVariableThatHoldsNoNumber) {
  pretend_mpirun();
  environment.set("OMPI_COMM_WORLD_RANK", "five");
  try {
    static_cast<void>(launcher_environment());
    FAIL() << "accepted";
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), HasSubstr("OMPI_COMM_WORLD_RANK='five'"));
  }
}

TEST_F(Launcher, SrunWithoutPmixIsRefusedBeforeMpiStarts) {
  pretend_srun();
  int argc = 0;
  char** argv = nullptr;
  try {
    const MpiSession session(argc, argv);
    FAIL() << "accepted";
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), HasSubstr("srun started 5 tasks"));
    EXPECT_THAT(error.hint(), HasSubstr("srun --mpi=pmix"));
  }
}

TEST_F(Launcher, AProcessOnItsOwnDoesWithoutMpi) {
  int argc = 0;
  char** argv = nullptr;
  MpiSession session(argc, argv);
  EXPECT_FALSE(session.active());
  EXPECT_EQ(session.world_size(), 1);
  session.abort(1);  // nothing to end
  session.finalize();
}

TEST(TasksPerNode, ExpandsSlurmsShorthand) {
  EXPECT_THAT(parse_tasks_per_node("2(x3),1"), ElementsAre(2, 2, 2, 1));
  EXPECT_THAT(parse_tasks_per_node("4"), ElementsAre(4));
  EXPECT_THAT(parse_tasks_per_node("1,12(x2)"), ElementsAre(1, 12, 12));
  EXPECT_THAT(parse_tasks_per_node(""), IsEmpty());
}

TEST(TasksPerNode, RefusesWhatSlurmDoesNotWrite) {
  for (const char* text : {"two", "2(x", "2(xx)", "2(x3)1", ","}) {
    EXPECT_THROW(static_cast<void>(parse_tasks_per_node(text)), UsageError) << text;
  }
}

}  // namespace
}  // namespace ft
