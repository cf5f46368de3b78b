#include <map>
#include <numeric>
#include <set>

#include <gtest/gtest.h>

#include "ft/comm/link_probe.h"

namespace ft {
namespace {

TEST(Tournament, LetsEveryPairMeetOnceAndNobodyTwiceInARound) {
  for (int players = 2; players <= 9; ++players) {
    std::vector<int> ranks(static_cast<std::size_t>(players));
    std::iota(ranks.begin(), ranks.end(), 10);
    const auto rounds = tournament(ranks);
    EXPECT_EQ(rounds.size(), static_cast<std::size_t>(players % 2 == 0 ? players - 1 : players));
    std::set<std::pair<int, int>> met;
    for (const Round& round : rounds) {
      std::set<int> busy;
      for (const auto& [a, b] : round) {
        EXPECT_LT(a, b);
        EXPECT_TRUE(busy.insert(a).second && busy.insert(b).second) << players << " players";
        EXPECT_TRUE(met.emplace(a, b).second) << players << " players: " << a << " and " << b << " again";
      }
    }
    EXPECT_EQ(met.size(), static_cast<std::size_t>(players * (players - 1) / 2));
  }
}

TEST(Tournament, HasNoRoundsForOneOrNone) {
  EXPECT_TRUE(tournament({}).empty());
  const int alone[1] = {3};
  EXPECT_TRUE(tournament(alone).empty());
}

}  // namespace
}  // namespace ft
