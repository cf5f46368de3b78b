#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ft/base/error.h"
#include "ft/comm/liveness/network_interface.h"

namespace ft {
namespace {

constexpr std::uint32_t ip(unsigned a, unsigned b, unsigned c, unsigned d) {
  return a << 24U | b << 16U | c << 8U | d;
}

constexpr std::uint32_t kClassC = 0xFFFFFF00U;

NetworkInterface loopback() {
  return {"lo", ip(127, 0, 0, 1), 0xFF000000U, true, false};
}

NetworkInterface network(std::string name, std::uint32_t address, bool default_route = false) {
  return {std::move(name), address, kClassC, false, default_route};
}

std::string chosen(const std::vector<RankNetwork>& ranks, std::size_t rank,
                   const std::string& wish = "auto") {
  return choose_interface(wish, ranks, rank).name;
}

TEST(ChooseInterface, StaysOnLoopbackOnOneHost) {
  const std::vector<RankNetwork> ranks(3, {"host-a", {network("eth0", ip(10, 0, 0, 1), true), loopback()}});
  EXPECT_EQ(chosen(ranks, 2), "lo");
}

TEST(ChooseInterface, DoesNotGoByHostNames) {
  // The identity is all that counts: these two could both be called "node".
  const std::vector<RankNetwork> ranks{{"boot-1", {loopback(), network("eth0", ip(10, 0, 0, 1))}},
                                       {"boot-2", {loopback(), network("eth0", ip(10, 0, 0, 2))}}};
  EXPECT_EQ(chosen(ranks, 0), "eth0");
}

TEST(ChooseInterface, TakesTheNetworkThatAllShare) {
  const std::vector<RankNetwork> ranks{
      {"a", {loopback(), network("wan", ip(198, 51, 100, 7), true), network("ib0", ip(10, 1, 0, 1))}},
      {"b", {loopback(), network("wan", ip(203, 0, 113, 9), true), network("ib1", ip(10, 1, 0, 2))}}};
  EXPECT_EQ(chosen(ranks, 0), "ib0");
  EXPECT_EQ(chosen(ranks, 1), "ib1");
}

TEST(ChooseInterface, PrefersTheDefaultRouteAmongSharedOnes) {
  const std::vector<RankNetwork> ranks{
      {"a", {network("eth1", ip(10, 2, 0, 1)), network("eth0", ip(10, 1, 0, 1), true)}},
      {"b", {network("eth1", ip(10, 2, 0, 2)), network("eth0", ip(10, 1, 0, 2), true)}}};
  EXPECT_EQ(chosen(ranks, 1), "eth0");
}

TEST(ChooseInterface, NeverTakesWhatContainersUse) {
  const std::vector<RankNetwork> ranks{
      {"a",
       {network("docker0", ip(172, 17, 0, 1)), network("virbr0", ip(192, 168, 122, 1)),
        network("eth0", ip(10, 1, 0, 1))}},
      {"b",
       {network("docker0", ip(172, 17, 0, 1)), network("virbr0", ip(192, 168, 122, 1)),
        network("eth0", ip(10, 1, 0, 2))}}};
  EXPECT_EQ(chosen(ranks, 0), "eth0");
}

TEST(ChooseInterface, FallsBackOnTheDefaultRoute) {
  const std::vector<RankNetwork> ranks{
      {"a", {network("eth1", ip(10, 9, 0, 1)), network("eth0", ip(10, 1, 0, 1), true)}},
      {"b", {network("eth0", ip(10, 2, 0, 1), true)}}};
  EXPECT_EQ(chosen(ranks, 0), "eth0");
}

TEST(ChooseInterface, RefusesANameThatIsNotThere) {
  const std::vector<RankNetwork> ranks(2, {"a", {loopback(), network("eth0", ip(10, 0, 0, 1))}});
  EXPECT_EQ(chosen(ranks, 0, "eth0"), "eth0");
  try {
    static_cast<void>(choose_interface("ib0", ranks, 0));
    FAIL() << "took it";
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("no 'ib0'"));
    EXPECT_THAT(error.what(), testing::HasSubstr("lo (127.0.0.1), eth0 (10.0.0.1)"));
  }
}

TEST(ChooseInterface, RefusesLoopbackBetweenHosts) {
  const std::vector<RankNetwork> ranks{{"a", {loopback(), network("eth0", ip(10, 1, 0, 1))}},
                                       {"b", {loopback(), network("eth0", ip(10, 1, 0, 2))}}};
  try {
    static_cast<void>(choose_interface("lo", ranks, 1));
    FAIL() << "took it";
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("dist.interface: 'lo' does not lead to the other hosts"));
    EXPECT_THAT(error.what(), testing::HasSubstr("eth0 (10.1.0.2)"));
  }
  EXPECT_EQ(chosen({ranks[0], ranks[0]}, 1, "lo"), "lo");
}

TEST(ChooseInterface, RefusesAHostWithoutANetwork) {
  const std::vector<RankNetwork> ranks{{"a", {loopback()}}, {"b", {loopback()}}};
  EXPECT_THROW(static_cast<void>(choose_interface("auto", ranks, 0)), UsageError);
}

TEST(RankNetwork, TravelsAsText) {
  const RankNetwork network{"boot:12", {loopback(), {"eth0:1", ip(255, 1, 2, 3), kClassC, false, true}}};
  const auto back = RankNetwork::from_text(network.to_text());
  EXPECT_EQ(back.identity, "boot:12");
  ASSERT_EQ(back.interfaces.size(), 2U);
  EXPECT_EQ(back.interfaces[1].name, "eth0:1");
  EXPECT_EQ(format_address(back.interfaces[1].address), "255.1.2.3");
  EXPECT_TRUE(back.interfaces[0].loopback);
  EXPECT_TRUE(back.interfaces[1].default_route);
}

TEST(ListInterfaces, FindsLoopback) {
  const auto all = list_interfaces();
  const auto found = std::ranges::find(all, std::string("lo"), &NetworkInterface::name);
  if (found == all.end()) GTEST_SKIP() << "no loopback interface on this machine";
  EXPECT_EQ(found->address, ip(127, 0, 0, 1));
  EXPECT_TRUE(found->loopback);
  EXPECT_EQ(network_identity(), network_identity());
}

}  // namespace
}  // namespace ft
