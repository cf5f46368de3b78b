#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "preflight_report.h"

namespace ft::app {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<RankPlace> on_hosts(const std::vector<std::string>& hosts) {
  std::vector<RankPlace> places;
  for (const std::string& host : hosts) {
    RankPlace place;
    place.rank = static_cast<int>(places.size());
    place.host = host;
    places.push_back(place);
  }
  return places;
}

TEST(PreflightReport, SaysNothingInAWorldOfOne) {
  EXPECT_EQ(describe_all_reduce({}), "");
  EXPECT_EQ(describe_clocks({}), "");
  EXPECT_EQ(describe_clocks({{0, 0}}), "");
  EXPECT_THAT(preflight_warnings({}, on_hosts({"n0"})), IsEmpty());
}

TEST(PreflightReport, EndsWithAVerdictInOneLine) {
  EXPECT_EQ(describe_world(on_hosts({"n0"}), false), "1 rank on 1 host, cpu");
  EXPECT_EQ(describe_world(on_hosts({"n0", "n1", "n0"}), true), "3 ranks on 2 hosts, cuda");
  EXPECT_EQ(describe_steps(0, 1, 16), "1 step of 16 images");
  EXPECT_EQ(describe_steps(0, 240, 16), "240 steps of 16 images");
  EXPECT_EQ(describe_steps(120, 240, 16), "step 121 to 240, of 16 images");
  EXPECT_EQ(describe_steps(239, 240, 16), "step 240 to 240, of 16 images");
  EXPECT_EQ(describe_steps(1, 1, 16), "1 step done already");
  EXPECT_EQ(describe_steps(240, 240, 16), "240 steps done already");
  EXPECT_EQ(describe_steps(250, 240, 16), "250 steps done already");
  EXPECT_EQ(ready_verdict(0, {"a", "", "b"}), "ready: a, b");
  EXPECT_EQ(ready_verdict(1, {"a"}), "ready (1 warning): a");
  EXPECT_EQ(ready_verdict(2, {"a"}), "ready (2 warnings): a");
}

TEST(PreflightReport, GivesFiguresInUnitsThatFit) {
  EXPECT_EQ(describe_all_reduce({0.00021, 0.02, 1 << 20}), "all-reduce 210 us, of 1 MiB 20 ms (52.4 MB/s)");
  EXPECT_EQ(describe_link({0, 2, 0.00006, 1.25e9}, on_hosts({"n0", "n0", "n1"})),
            "rank 0 on n0 - rank 2 on n1: 1.2 GB/s, 60 us");
  EXPECT_EQ(describe_clocks({{0, 0}, {-0.0004, 0.0002}}), "clocks within 0.4 ms");
  EXPECT_EQ(describe_clocks({{0, 0}, {3.1, 3.2}}), "clocks up to 3.2 s apart");
}

TEST(PreflightReport, WarnsOfANetworkThatHoldsTheTrainingUp) {
  Preflight found;
  found.all_reduce = {0.001, 0.2, 1 << 20};
  EXPECT_THAT(preflight_warnings(found, on_hosts({"n0", "n1"})),
              ElementsAre(AllOf(HasSubstr("5.24 MB/s only"), HasSubstr("dist.interface"))));
  found.all_reduce.seconds = 0.01;
  EXPECT_THAT(preflight_warnings(found, on_hosts({"n0", "n1"})), IsEmpty());
}

TEST(PreflightReport, NamesTheLinkThatIsSlowerThanTheOthers) {
  Preflight found;
  found.links = {{1, 2, 0.001, 40e6}, {0, 1, 0.0001, 110e6}, {0, 2, 0.0001, 112e6}};
  EXPECT_THAT(
      preflight_warnings(found, on_hosts({"n0", "n1", "n2"})),
      ElementsAre("a slow link: rank 1 on n1 - rank 2 on n2: 40 MB/s, 1 ms, where others reach 112 MB/s"));
}

TEST(PreflightReport, WritesNoExponents) {
  EXPECT_EQ(describe_link({0, 1, 1.2, 999.7e6}, on_hosts({"n0", "n1"})),
            "rank 0 on n0 - rank 1 on n1: 1000 MB/s, 1200 ms");
}

TEST(PreflightReport, NamesBothLinksOfASlowHost) {
  Preflight found;
  found.links = {{0, 2, 0.001, 10e6}, {1, 2, 0.001, 11e6}, {0, 1, 0.0001, 112e6}};
  EXPECT_EQ(preflight_warnings(found, on_hosts({"n0", "n1", "n2"})).size(), 2U);
}

TEST(PreflightReport, LeavesLinksWithinAHostAlone) {
  Preflight found;
  found.links = {{0, 2, 0.001, 110e6}, {0, 1, 0.0001, 400e6}, {2, 3, 0.0001, 3e9}, {2, 4, 0.0001, 3e9}};
  EXPECT_THAT(preflight_warnings(found, on_hosts({"n0", "n0", "n1", "n1", "n1"})), IsEmpty());
}

TEST(PreflightReport, NamesTheHostWhoseClockIsCertainlyWrong) {
  Preflight found;
  found.clocks = {{0, 0}, {-0.1, 5.0}, {-7.3, -7.2}, {-7.4, -7.2}};
  EXPECT_THAT(preflight_warnings(found, on_hosts({"n0", "n1", "n2", "n2"})),
              ElementsAre("the clock of n2 is 7.2 s behind that of n0: set both by NTP"));
}

}  // namespace
}  // namespace ft::app
