#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ft/base/cores.h"
#include "ft/base/host.h"
#include "ft/comm/topology.h"

#include "scoped_environment.h"
#include "scripted_communicator.h"

namespace ft {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

RankPlace place(int rank, std::string host, int core_budget, std::string device) {
  RankPlace result;
  result.rank = rank;
  result.host = std::move(host);
  result.cores = {0, 1, 2, 3};
  result.core_budget = core_budget;
  result.device = std::move(device);
  return result;
}

// A rank's record, in the form of gather_topology: fields with their lengths in front.
std::string record(const std::string& host, const std::string& cores, const std::string& device) {
  std::string text;
  for (const auto& field : {host, cores, device, std::string("0")})
    text += std::to_string(field.size()) + ":" + field;
  return text;
}

class TopologyWarnings : public testing::Test {
 protected:
  TopologyWarnings() {
    for (const char* name : {"OMPI_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS", "PMI_SIZE"}) {
      environment.set(name, std::nullopt);
    }
  }
  ScopedEnvironment environment;
};

TEST(Topology, PlacesThisRankFirst) {
  ScriptedCommunicator world({});
  const auto places = gather_topology(world, "cpu");
  ASSERT_EQ(places.size(), 1U);
  EXPECT_EQ(places[0].host, host_name());
  EXPECT_EQ(places[0].cores, allowed_cores());
  EXPECT_EQ(places[0].core_budget, static_cast<int>(allowed_cores().size()));
  EXPECT_EQ(places[0].device, "cpu");
}

TEST(Topology, CountsLocalRanksByHostName) {
  ScriptedCommunicator world(
      {record("n1", "0,1", "cpu"), record("n2", "0", "cpu"), record("n1", "2,3", "cpu")});
  const auto places = gather_topology(world, "cpu");
  ASSERT_EQ(places.size(), 4U);
  EXPECT_EQ(places[1].local_rank, 0);
  EXPECT_EQ(places[1].local_size, 2);
  EXPECT_EQ(places[2].local_rank, 0);
  EXPECT_EQ(places[2].local_size, 1);
  EXPECT_EQ(places[3].rank, 3);
  EXPECT_EQ(places[3].local_rank, 1);
  EXPECT_EQ(places[3].local_size, 2);
}

TEST(Topology, SharesCoresAmongTheRanksOfANodeOnly) {
  ScriptedCommunicator world(
      {record("n1", "0,1,2,3", "cpu"), record("n1", "0,1,2,3", "cpu"), record("n2", "0,1,2,3", "cpu")});
  const auto places = gather_topology(world, "cpu");
  EXPECT_EQ(places[1].core_budget, 2);
  EXPECT_EQ(places[2].core_budget, 2);
  EXPECT_EQ(places[3].core_budget, 4);
  EXPECT_THAT(places[1].cores, ElementsAre(0, 1, 2, 3));
}

TEST_F(TopologyWarnings, AreNoneWhenAllIsWell) {
  EXPECT_THAT(
      topology_warnings({place(0, "n1", 4, "cuda:0 A (GPU-1)"), place(1, "n1", 4, "cuda:1 A (GPU-2)")}, 4),
      IsEmpty());
}

TEST_F(TopologyWarnings, NameRanksThatShareAGpu) {
  const auto warnings =
      topology_warnings({place(0, "n1", 4, "cuda:0 A (GPU-1)"), place(1, "n1", 4, "cuda:0 A (GPU-1)")}, 4);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_THAT(warnings[0], HasSubstr("ranks 0, 1 share cuda:0 A (GPU-1) on n1"));
}

TEST_F(TopologyWarnings, TellGpusApartByTheirUuid) {
  // Each rank sees one GPU, which it calls cuda:0.
  EXPECT_THAT(
      topology_warnings({place(0, "n1", 4, "cuda:0 A (GPU-1)"), place(1, "n1", 4, "cuda:0 A (GPU-2)")}, 4),
      IsEmpty());
}

TEST_F(TopologyWarnings, DoNotMixHosts) {
  EXPECT_THAT(topology_warnings({place(0, "n1", 4, "cuda:0 A"), place(1, "n2", 4, "cuda:0 A")}, 4),
              IsEmpty());
}

TEST_F(TopologyWarnings, AllowSharedCpus) {
  EXPECT_THAT(topology_warnings({place(0, "n1", 4, "cpu"), place(1, "n1", 4, "cpu")}, 4), IsEmpty());
}

TEST_F(TopologyWarnings, NameMasksNarrowerThanTheThreads) {
  const auto warnings = topology_warnings({place(0, "n1", 8, "cpu"), place(1, "n2", 2, "cpu")}, 8);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_THAT(warnings[0], HasSubstr("rank 1 on n2 may use 2 of its cores 0-3"));
}

TEST_F(TopologyWarnings, NameAWorldOfOneThatWasMeantToBeLarger) {
  environment.set("OMPI_COMM_WORLD_SIZE", "8");
  const auto warnings = topology_warnings({place(0, "n1", 4, "cpu")}, 4);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_THAT(warnings[0], HasSubstr("mpirun started 8 ranks"));
}

}  // namespace
}  // namespace ft
