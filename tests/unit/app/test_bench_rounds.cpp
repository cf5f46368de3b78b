#include <gtest/gtest.h>

#include "bench_rounds.h"

namespace ft::app {
namespace {

constexpr int kMost = 500;

struct Measured {
  double seconds = 0;
  int rounds = 0;
  int questions = 0;
};

// `round_s` of the round that begins at a moment.
template <typename RoundSeconds>
Measured run(double given_s, const RoundSeconds& round_s) {
  Measured run;
  for (;;) {
    ++run.questions;
    const int more = next_rounds(run.seconds, run.rounds, given_s, kMost);
    if (more == 0) return run;
    for (int i = 0; i < more; ++i) run.seconds += round_s(run.seconds);
    run.rounds += more;
  }
}

TEST(BenchRounds, FillTheTimeAndNoMore) {
  for (const double round_s : {0.003, 0.01, 0.1, 0.3}) {
    const Measured all = run(1.0, [&](double) { return round_s; });
    EXPECT_LE(all.seconds, 1.0 + 1e-9) << round_s;
    EXPECT_GT(all.seconds, 1.0 - 2 * round_s) << round_s;
    EXPECT_LE(all.questions, 15) << round_s;
  }
}

TEST(BenchRounds, AreAtLeastOneAndAtMostSoMany) {
  EXPECT_EQ(run(1.0, [](double) { return 5.0; }).rounds, 1);
  EXPECT_EQ(run(0.0, [](double) { return 0.1; }).rounds, 1);
  EXPECT_EQ(run(-3.0, [](double) { return 0.1; }).rounds, 1);
  EXPECT_EQ(run(1.0, [](double) { return 1e-6; }).rounds, kMost);
  EXPECT_EQ(run(1.0, [](double) { return 0.0; }).rounds, kMost) << "a clock that stands still";
}

TEST(BenchRounds, AMachineThatGetsBusyCostsLittle) {
  // Ten times slower after a while: a fixed number of rounds would take more than six times the time.
  const Measured all = run(1.0, [](double now) { return now < 0.4 ? 0.002 : 0.02; });
  EXPECT_LT(all.seconds, 4.0);
}

}  // namespace
}  // namespace ft::app
