#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ft/comm/bfloat16.h"

#include "reduction_network.h"
#include "two_level_reduction.h"

namespace ft {
namespace {

using Hosts = std::vector<std::string>;
using testing::ElementsAre;

TEST(HostGroups, AreTheRanksOfAHostAndThoseOfOnePlace) {
  const Hosts hosts{"b", "a", "b", "a", "c", "c"};
  EXPECT_THAT(host_groups(hosts, 0).here, ElementsAre(0, 2));
  EXPECT_THAT(host_groups(hosts, 0).across, ElementsAre(0, 1, 4));
  EXPECT_THAT(host_groups(hosts, 3).here, ElementsAre(1, 3));
  EXPECT_THAT(host_groups(hosts, 3).across, ElementsAre(2, 3, 5));
  EXPECT_TRUE(host_groups(hosts, 3).two_levels());
}

TEST(HostGroups, AreNoTwoLevelsWithOneHostOneRankEachOrUnequalHosts) {
  EXPECT_FALSE(host_groups(Hosts{"a", "a", "a"}, 1).two_levels());
  EXPECT_FALSE(host_groups(Hosts{"a", "b", "c"}, 1).two_levels());
  EXPECT_FALSE(host_groups(Hosts{"a", "a", "b"}, 0).two_levels());
  EXPECT_FALSE(host_groups(Hosts{"a"}, 0).two_levels());
}

// What the hosts' ranks add up to, then the hosts, all in order; as `wire` makes it.
std::vector<float> sum_in_two_levels(const Hosts& hosts, std::size_t count, Wire wire) {
  const HostGroups first = host_groups(hosts, 0);
  std::vector<float> sum;
  for (const int leader : first.across) {
    std::vector<float> of_host;
    for (const int rank : host_groups(hosts, leader).here) {
      const std::vector<float> term = contribution(rank, count);
      if (of_host.empty()) of_host.assign(count, -0.0F);  // the neutral element of addition
      for (std::size_t i = 0; i < count; ++i) of_host[i] += term[i];
    }
    if (sum.empty()) sum.assign(count, -0.0F);
    for (std::size_t i = 0; i < count; ++i) {
      sum[i] += wire == Wire::kBFloat16 ? bfloat16_to_float(float_to_bfloat16(of_host[i])) : of_host[i];
    }
  }
  if (wire == Wire::kBFloat16) {
    for (float& value : sum) value = bfloat16_to_float(float_to_bfloat16(value));
  }
  return sum;
}

void check(const Hosts& hosts, std::size_t count, Wire wire, std::size_t exchange_bytes, unsigned seed) {
  const auto world = hosts.size();
  Network network(seed);
  ScratchPool pool;
  std::vector<std::vector<float>> data;
  std::vector<HostGroups> groups;
  for (std::size_t r = 0; r < world; ++r) {
    data.push_back(contribution(static_cast<int>(r), count));
    groups.push_back(host_groups(hosts, static_cast<int>(r)));
  }
  std::vector<std::unique_ptr<Reduction>> ranks;
  for (std::size_t r = 0; r < world; ++r) {
    const ReductionTask task{.data = std::as_writable_bytes(std::span(data[r])).data(),
                             .count = count,
                             .wire = wire,
                             .rank = static_cast<int>(r),
                             .world_size = static_cast<int>(world),
                             .flow = {.segment_bytes = 64, .window = 2, .slots = 2},
                             .exchange_bytes = exchange_bytes};
    const MessageFlow within_host{.segment_bytes = 192, .window = 5, .slots = 1};
    ranks.push_back(std::make_unique<TwoLevelReduction>(task, within_host, groups[r], pool));
  }
  run_all(network, ranks);
  const std::vector<float> expected = sum_in_two_levels(hosts, count, wire);
  for (std::size_t r = 0; r < world; ++r) {
    EXPECT_EQ(data[r], expected) << count << " elements, rank " << r << " of " << world << ", seed " << seed;
    ranks[r]->release(pool);
  }
}

TEST(TwoLevelReduction, AddsWithinEachHostAndThenAcrossWhateverComesFirst) {
  const std::vector<Hosts> maps{
      {"a", "a", "b", "b"}, {"a", "b", "a", "b", "a", "b"}, {"a", "b", "c", "c", "b", "a"}};
  for (const Hosts& hosts : maps) {
    for (const std::size_t count : {0, 1, 3, 16, 33, 500, 777}) {
      for (const Wire wire : {Wire::kAsIs, Wire::kBFloat16}) {
        for (unsigned seed = 0; seed < 6; ++seed) check(hosts, count, wire, seed % 2 == 0 ? 0 : 200, seed);
      }
    }
  }
}

}  // namespace
}  // namespace ft
