#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ft/comm/mpi_defaults.h"

#include "scoped_environment.h"

namespace ft {
namespace {

std::vector<std::string> variables(const std::vector<MpiDefault>& defaults) {
  std::vector<std::string> names;
  for (const auto& setting : defaults) names.push_back(setting.variable + "=" + setting.value);
  return names;
}

LauncherEnvironment with_local_size(int local_size) {
  LauncherEnvironment launcher;
  launcher.local_size = local_size;
  return launcher;
}

TEST(MpiDefaults, YieldOnlyWithMoreRanksThanCores) {
  constexpr bool kFabric = true;
  EXPECT_THAT(variables(mpi_defaults(with_local_size(4), 4, kFabric)), testing::IsEmpty());
  EXPECT_THAT(variables(mpi_defaults(with_local_size(5), 4, kFabric)),
              testing::ElementsAre("OMPI_MCA_mpi_yield_when_idle=1"));
}

TEST(MpiDefaults, SkipFabricProbesOnlyWithoutAFabric) {
  EXPECT_THAT(variables(mpi_defaults(with_local_size(1), 4, false)),
              testing::ElementsAre("OMPI_MCA_pml=ob1"));
  EXPECT_THAT(variables(mpi_defaults(with_local_size(1), 4, true)), testing::IsEmpty());
}

TEST(MpiDefaults, LeaveWhatTheUserSet) {
  ScopedEnvironment environment;
  environment.set("OMPI_MCA_pml", "ucx");
  environment.set("OMPI_MCA_mpi_yield_when_idle", std::nullopt);
  apply_mpi_defaults({{"OMPI_MCA_pml", "ob1"}, {"OMPI_MCA_mpi_yield_when_idle", "1"}});
  EXPECT_STREQ(std::getenv("OMPI_MCA_pml"), "ucx");
  EXPECT_STREQ(std::getenv("OMPI_MCA_mpi_yield_when_idle"), "1");
}

}  // namespace
}  // namespace ft
