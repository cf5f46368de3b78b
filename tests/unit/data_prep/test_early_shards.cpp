// Payloads that are written to their shards before all is known: whatever becomes of the forecast, the set is
// the one that an input makes of which nothing can be foreseen.
#include <map>

#include <gtest/gtest.h>

#include "early_shards.h"
#include "packing_support.h"
#include "placement.h"

namespace ft::testing {
namespace {

namespace fs = std::filesystem;

std::map<std::string, std::string> contents_of(const fs::path& directory) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::directory_iterator(directory)) {
    files[entry.path().filename().string()] = read_text_file(entry.path());
  }
  return files;
}

// Whose payloads are foreseen, but for some.
class ForeseenInput final : public FakeInput {
 public:
  explicit ForeseenInput(std::vector<FakeItem> items)
      : FakeInput({"cat", "dog"}, items), items_(std::move(items)) {}
  [[nodiscard]] std::optional<std::uint64_t> likely_payload_bytes(std::size_t candidate) const override {
    if (candidate == unforeseen) return std::nullopt;
    return items_[candidate].payload.size() + (candidate == mistaken ? 1 : 0);
  }
  [[nodiscard]] std::string identity() const override { return "foreseen"; }

  std::size_t unforeseen = 999;
  std::size_t mistaken = 999;

 private:
  std::vector<FakeItem> items_;
};

class EarlyPack : public ::testing::Test {
 protected:
  static constexpr int kPerClass = 25;

  // Packs what may be foreseen and what may not; they must be the same.
  void expect_same_set(const ForeseenInput& input, const PackOptions& options, const std::string& what) {
    const fs::path set = tmp_.path() / "set";
    const fs::path reference = tmp_.path() / "reference";
    pack_fake(reference, items_, options);
    static_cast<void>(pack(input, set, options, [] { return false; }));
    EXPECT_EQ(contents_of(set), contents_of(reference)) << what;
    EXPECT_EQ(input.loads(), items_.size()) << what;
    EXPECT_FALSE(fs::exists(tmp_.path() / "set.packing")) << what;
    fs::remove_all(set);
    fs::remove_all(reference);
  }

  TemporaryDirectory tmp_;
  std::vector<FakeItem> items_ = fake_items(kPerClass, 300);
};

TEST_F(EarlyPack, AsForeseen) {
  for (const std::uint32_t shards : {1U, 4U, 50U}) {
    expect_same_set(ForeseenInput(items_), {.shards = shards, .workers = 3}, std::to_string(shards));
  }
  expect_same_set(ForeseenInput(items_), {.on_error = OnError::kFail}, "fail");
}

TEST_F(EarlyPack, WithOneThatOnlyImportCanTell) {
  ForeseenInput input(items_);
  input.unforeseen = 7;
  expect_same_set(input, {.shards = 4}, "good");
  items_[7].failure = "not an image: test";
  ForeseenInput refused(items_);
  refused.unforeseen = 7;
  expect_same_set(refused, {.shards = 4}, "refused");
}

TEST_F(EarlyPack, WithAMistake) {
  ForeseenInput input(items_);
  input.mistaken = 30;
  expect_same_set(input, {.shards = 4}, "another size");
  items_[30].failure = "truncated JPEG: test";
  expect_same_set(ForeseenInput(items_), {.shards = 4}, "refused");
  expect_same_set(ForeseenInput(items_), {.shards = 200}, "too many shards");
}

TEST_F(EarlyPack, OfTheFirstOfEachClass) {
  items_[3].failure = "truncated JPEG: test";
  const PackOptions options{.shards = 3, .limit_per_class = 10};
  const fs::path set = tmp_.path() / "set";
  pack_fake(tmp_.path() / "reference", items_, options);
  ForeseenInput input(items_);
  input.unforeseen = 28;
  static_cast<void>(pack(input, set, options, [] { return false; }));
  EXPECT_EQ(contents_of(set), contents_of(tmp_.path() / "reference"));
}

TEST_F(EarlyPack, TheFirstRefusedIsNamedWhateverIsForeseen) {
  items_[7].failure = "truncated JPEG: the first";
  items_[9].failure = "not an image: the second";
  ForeseenInput input(items_);
  input.unforeseen = 9;
  const PackOptions options{.shards = 3, .on_error = OnError::kFail};
  const std::string message = message_of<DataError>(
      [&] { static_cast<void>(pack(input, tmp_.path() / "set", options, [] { return false; })); });
  EXPECT_NE(message.find("the first"), std::string::npos) << message;
}

TEST_F(EarlyPack, WhereverItIsInterrupted) {
  const PackOptions options{.shards = 4};
  const fs::path set = tmp_.path() / "set";
  pack_fake(tmp_.path() / "reference", items_, options);
  int interrupted = 0;
  for (int questions = 4; questions < 130; questions += 7) {
    ForeseenInput input(items_);
    input.unforeseen = 7;
    for (int more = questions; !fs::exists(set); more += 8) {
      int asked = 0;
      try {
        static_cast<void>(pack(input, set, options, [&] { return asked++ >= more; }));
      } catch (const Interrupted&) {
        ++interrupted;
      }
    }
    ASSERT_EQ(contents_of(set), contents_of(tmp_.path() / "reference")) << questions;
    fs::remove_all(set);
  }
  EXPECT_GT(interrupted, 15);
}

// As import does it, with all payloads but that of `elsewhere`, which goes to another spool.
std::vector<ImportedSample> store_all(const EarlyShards& early, const std::vector<FakeItem>& items,
                                      SpoolWriter& spool, std::uint64_t elsewhere) {
  std::vector<ImportedSample> samples;
  for (std::uint64_t i = 0; i < items.size(); ++i) {
    const auto payload = std::as_bytes(std::span(items[i].payload));
    ImportedSample sample{.candidate = i, .bytes = payload.size(), .label = items[i].label};
    if (i == elsewhere) {
      sample.payload_spool = spool.number();
      sample.payload_begin = spool.append(payload);
    } else {
      EXPECT_TRUE(early.store(payload, sample));
    }
    samples.push_back(sample);
  }
  return samples;
}

TEST_F(EarlyPack, ACompleteFileBecomesTheShard) {
  const ForeseenInput input(items_);
  const PackOptions options{.shards = 2};
  std::vector<std::uint64_t> all(items_.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  const auto early = EarlyShards::lay_out(tmp_.path(), 1, input, Foresight(input, all).samples, options);
  ASSERT_TRUE(early);
  SpoolWriter spool(tmp_.path(), spool_number(1, 0));
  const std::vector<ImportedSample> samples = store_all(*early, items_, spool, 11);
  ImportedSample larger{.candidate = 5};
  EXPECT_FALSE(early->store(std::as_bytes(std::span("another size")), larger));

  const Placement placement(input, samples, options);
  const fs::path shards = tmp_.path() / "shards";
  fs::create_directory(shards);
  for (std::uint32_t i = 0; i < 2; ++i) {
    const ShardPlace place{i, 2};
    const ShardRows rows = placement.rows_of(i);
    const auto payload = early->complete(place, rows, samples, SpoolReader(tmp_.path()));
    ASSERT_TRUE(payload);
    ShardWriter writer(shards, place, input.classes(), rows, payload);
    ASSERT_TRUE(writer.has_payload());
    const ShardEntry entry = writer.finish();
    EXPECT_EQ(entry.xxh3_128, xxh3_128_of_file(shards / entry.file));
    EXPECT_TRUE(fs::equivalent(shards / entry.file, payload->file));
    EXPECT_EQ(fs::hard_link_count(shards / entry.file), 2U);
    // A shard that is written anew leaves the spool alone.
    const std::string before = read_text_file(payload->file);
    const ShardWriter anew(shards, place, input.classes(), rows);
    EXPECT_EQ(read_text_file(payload->file), before);
    EXPECT_FALSE(early->complete({i, 3}, rows, samples, SpoolReader(tmp_.path())));
  }
  std::vector<ImportedSample> moved = samples;
  moved[placement.rows_of(0).tables.sample_id[0]].payload_begin += 1;
  EXPECT_FALSE(early->complete({0, 2}, placement.rows_of(0), moved, SpoolReader(tmp_.path())));
}

}  // namespace
}  // namespace ft::testing
