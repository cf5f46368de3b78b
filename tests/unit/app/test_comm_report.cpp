#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "comm_report.h"

namespace ft::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(CommReport, SizesDoubleAndAreWholeElements) {
  EXPECT_THAT(doubling_sizes(4, 32, 4), ElementsAre(4, 8, 16, 32));
  EXPECT_THAT(doubling_sizes(1, 9, 2), ElementsAre(2, 4, 8));
  EXPECT_THAT(doubling_sizes(5, 20, 4), ElementsAre(4, 8, 20)) << "rounded down to elements";
  EXPECT_THAT(doubling_sizes(64, 32, 4), ElementsAre());
  EXPECT_EQ(doubling_sizes(4, std::uint64_t{128} << 20U, 4).size(), 26U);
}

// nccl-tests' PERFORMANCE.md: busbw of an all-reduce is algbw * 2 (n - 1) / n.
TEST(CommReport, BandwidthsAreThoseOfNcclTests) {
  EXPECT_DOUBLE_EQ(algorithm_bandwidth(2'000'000'000, 0.5), 4.0);
  EXPECT_DOUBLE_EQ(bus_bandwidth(2'000'000'000, 0.5, 2), 4.0);
  EXPECT_DOUBLE_EQ(bus_bandwidth(2'000'000'000, 0.5, 4), 6.0);
  EXPECT_EQ(algorithm_bandwidth(1, 0), 0);
}

CommRates two_ranks(const std::string& type) {
  CommRates rates{.backend = "mpi", .type = type, .ranks = 2, .hosts = 1};
  rates.sizes.push_back(
      {.bytes = 1'000'000, .count = 500'000, .seconds = 1e-3, .rounds = 9, .mpi_seconds = 2e-3});
  return rates;
}

TEST(CommReport, TheTableHasTheirColumns) {
  const std::string table = comm_table(two_ranks("bf16"));
  EXPECT_THAT(table,
              testing::ContainsRegex("size +count +type +redop +root +time +algbw +busbw +#wrong +MPI time"));
  // 1 MB in 1 ms is 1 GB/s; MPI moved twice the bytes in twice the time.
  EXPECT_THAT(table, testing::ContainsRegex(
                         "1000000 +500000 +bfloat16 +sum +-1 +1000.00 +1.00 +1.00 +0 +2000.00 +1.00 +2.00"));
  EXPECT_THAT(comm_table(two_ranks("fp32")), HasSubstr(" float "));
}

TEST(CommReport, TheJsonHasSecondsAndBytes) {
  const auto json = to_json(two_ranks("fp32"));
  EXPECT_EQ(json["backend"], "mpi");
  EXPECT_EQ(json["ranks"], 2);
  EXPECT_EQ(json["root"], -1);
  const auto& line = json["sizes"][0];
  EXPECT_EQ(line["size"], 1'000'000);
  EXPECT_EQ(line["time_s"], 1e-3);
  EXPECT_EQ(line["mpi_time_s"], 2e-3);
  EXPECT_EQ(line["wrong"], 0);
  EXPECT_EQ(line["rounds"], 9);
}

TEST(CommReport, AWorldOfOneHasNoSizes) {
  const CommRates alone{.backend = "single", .type = "fp32", .ranks = 1, .hosts = 1};
  EXPECT_EQ(to_json(alone)["sizes"].size(), 0U);
}

}  // namespace
}  // namespace ft::app
