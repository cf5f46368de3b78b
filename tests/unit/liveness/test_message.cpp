#include <gtest/gtest.h>

#include "ft/base/error.h"

#include "loss_text.h"
#include "message.h"

namespace ft {
namespace {

TEST(Message, ComesBackWholeFromAnyPieces) {
  const std::string text =
      encode({MessageKind::kFailed, {"a: b", std::string(3000, 'x')}}) + encode({MessageKind::kFarewell, {}});
  std::string buffer;
  std::vector<Message> got;
  for (const char byte : text) {
    buffer += byte;
    while (auto message = take_message(buffer)) got.push_back(std::move(*message));
  }
  ASSERT_EQ(got.size(), 2U);
  EXPECT_EQ(got[0].kind, MessageKind::kFailed);
  EXPECT_EQ(got[0].fields[0], "a: b");
  EXPECT_EQ(got[0].fields[1].size(), 3000U);
  EXPECT_EQ(got[1].kind, MessageKind::kFarewell);
  EXPECT_TRUE(buffer.empty());
}

TEST(Message, RefusesGarbage) {
  for (std::string bytes : {std::string("GET / HTTP/1.1\r\n\r\n"), std::string("\x05\0\0\0hello", 9),
                            std::string("\x04\0\0\0"
                                        "2:99",
                                        8),
                            std::string("\0\0\0\0", 4)}) {
    EXPECT_THROW(static_cast<void>(take_message(bytes)), Error) << bytes;
  }
}

TEST(Message, CarriesABeat) {
  ActivityReport report;
  report.step = 9;
  report.operation = "évaluation, 3 of 5";
  report.waiting = true;
  report.age = std::chrono::milliseconds(1500);
  report.since_progress = std::chrono::milliseconds(250);
  const auto back = report_from(beat_message(report));
  EXPECT_EQ(back.step, 9U);
  EXPECT_EQ(back.operation, report.operation);
  EXPECT_TRUE(back.waiting);
  EXPECT_DOUBLE_EQ(back.age.count(), 1.5);
  EXPECT_DOUBLE_EQ(back.since_progress->count(), 0.25);
  EXPECT_FALSE(report_from(beat_message({})).since_progress);
  EXPECT_THROW(static_cast<void>(report_from({MessageKind::kBeat, {"x", "", "1", "1", "0"}})), Error);
}

TEST(Message, CarriesAVerdict) {
  Verdict verdict;
  verdict.ranks = {2, 13};
  verdict.text = "ranks 2, 13 are gone";
  verdict.hint = "look";
  verdict.own_words = true;
  const auto back = verdict_from(verdict_message(verdict));
  EXPECT_EQ(back.ranks, verdict.ranks);
  EXPECT_EQ(back.text, verdict.text);
  EXPECT_EQ(back.hint, "look");
  EXPECT_FALSE(back.failed);
  EXPECT_FALSE(back.own_words) << "whoever receives it did not find out";
  EXPECT_TRUE(back.names(13));
  EXPECT_FALSE(back.names(1));
}

ActivityReport at(std::uint64_t step, std::string operation) {
  ActivityReport report;
  report.step = step;
  report.operation = std::move(operation);
  return report;
}

TEST(LossText, SaysWhoWhereWhenAndHow) {
  const std::vector<LostRank> one{{3, {"n1", {}}, true, std::chrono::milliseconds(400), at(811, "")}};
  EXPECT_EQ(describe_loss(one, at(812, "all-reduce of gradient bucket 2 of 3")).text,
            "rank 3 on n1 is gone (connection closed, 0.4 s before in step 811) in step 812, "
            "all-reduce of gradient bucket 2 of 3");
  EXPECT_EQ(describe_loss(one, {}).hint, "look at logs/rank-0003.log on n1");
}

TEST(LossText, NamesSeveralByHost) {
  const std::vector<LostRank> three{
      {1, {"n0", {}}, false, std::chrono::milliseconds(15'300), at(7, "saving")},
      {2, {"n1", {}}},
      {3, {"n1", {}}}};
  const auto verdict = describe_loss(three, at(7, "saving"));
  EXPECT_EQ(verdict.text,
            "rank 1 on n0, ranks 2, 3 on n1 are gone (silent for 15.3 s, last in step 7, saving) in step 7, "
            "saving");
  EXPECT_EQ(verdict.ranks, (std::vector<int>{1, 2, 3}));
}

TEST(LossText, DoubtsAnAddressThatRefuses) {
  const std::vector<LostRank> one{{2, {"n1", {0x0A000002U, 4711}}, true, {}, {}, true}};
  const auto verdict = describe_loss(one, {});
  EXPECT_EQ(verdict.text, "rank 2 on n1 has ended, or 10.0.0.2:4711 is not its address (connection refused)");
  EXPECT_EQ(
      verdict.hint,
      "look at logs/rank-0002.log on n1; dist.interface names another network; does a firewall stand in "
      "between?");
}

TEST(LossText, StaysShortInALargeWorld) {
  std::vector<LostRank> many;
  for (int rank = 0; rank < 500; ++rank) many.push_back({rank, {"n1", {}}, true});
  const auto text = describe_loss(many, {}).text;
  EXPECT_LT(text.size(), 200U);
  EXPECT_NE(text.find("and 484 more are gone"), std::string::npos) << text;
}

}  // namespace
}  // namespace ft
