// Which candidates are asked for, and what comes of their records.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "import_ledger.h"
#include "import_stage.h"
#include "packing_support.h"

namespace ft::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string records(const std::vector<std::uint64_t>& candidates, bool refused = false) {
  std::string text;
  for (const std::uint64_t candidate : candidates) {
    append_record(text,
                  {.sample = {.candidate = candidate}, .refused = refused, .note = refused ? "bad" : ""});
  }
  return text;
}

TEST(ImportLedger, WithALimitOnlyWhatWouldFillIt) {
  const FakeInput input({"cat", "dog"}, fake_items(5));
  ImportLedger ledger(input);
  EXPECT_EQ(ledger.wanted(0, 0).size(), 10U);
  EXPECT_THAT(ledger.wanted(2, 0), ElementsAre(0, 1, 5, 6));
  ledger.add(records({1, 5, 6}));
  EXPECT_THAT(ledger.wanted(2, 0), ElementsAre(0));
  ledger.add(records({0}, true));
  EXPECT_THAT(ledger.wanted(2, 0), ElementsAre(2));
  EXPECT_THAT(ledger.wanted(2, 2), ElementsAre(2, 3));  // a reserve, for the short class alone
  ledger.add(records({2, 3}));
  EXPECT_THAT(ledger.wanted(2, 2), IsEmpty());
  const Imported imported = ledger.settle(2);
  ASSERT_EQ(imported.samples.size(), 4U);  // 3 is one too many
  EXPECT_EQ(imported.samples[1].candidate, 2U);
  EXPECT_EQ(imported.samples[2].candidate, 5U);
  EXPECT_EQ(imported.skipped.size(), 1U);
}

TEST(ImportLedger, RefusedBehindTheLimitAreNotSkipped) {
  const FakeInput input({"cat", "dog"}, fake_items(3));
  ImportLedger ledger(input);
  ledger.add(records({0, 3}));
  ledger.add(records({1, 4}, true));
  EXPECT_THAT(ledger.settle(1).skipped, IsEmpty());
}

TEST(ImportLedger, TheFirstRecordOfACandidateCounts) {
  const FakeInput input({"cat", "dog"}, fake_items(1));
  ImportLedger ledger(input);
  ledger.add(records({0, 1}));
  ledger.add(records({0, 1}));
  EXPECT_EQ(ledger.stored(), 2U);
  EXPECT_EQ(ledger.settle(0).samples.size(), 2U);
}

TEST(ImportLedger, TheFirstRefusedIsNamedWhateverCameFirst) {
  const FakeInput input({"cat", "dog"}, fake_items(3));
  ImportLedger ledger(input);
  ledger.add(records({5, 2}, true));
  EXPECT_EQ(message_of<DataError>([&] { ledger.require_none_refused(); }), "cat/1002.jpg: bad");
}

TEST(ShareOfRank, EveryCandidateGoesToOneRank) {
  std::vector<std::uint64_t> wanted(1000);
  for (std::size_t i = 0; i < wanted.size(); ++i) wanted[i] = 3 * i;
  for (const int world : {1, 2, 3, 7, 100}) {
    std::vector<std::uint64_t> all;
    for (int rank = 0; rank < world; ++rank) {
      const auto share = share_of_rank(wanted, rank, world);
      EXPECT_TRUE(std::is_sorted(share.begin(), share.end()));
      all.insert(all.end(), share.begin(), share.end());
    }
    std::sort(all.begin(), all.end());
    EXPECT_EQ(all, wanted);
  }
}

}  // namespace
}  // namespace ft::testing
