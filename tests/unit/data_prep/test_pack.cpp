#include <csignal>
#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "ft/data/packed_set.h"

#include "packing_support.h"

namespace ft::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::map<std::string, std::string> contents_of(const fs::path& directory) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::directory_iterator(directory)) {
    files[entry.path().filename().string()] = read_text_file(entry.path());
  }
  return files;
}

std::vector<std::string> names_in(const fs::path& directory) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory))
    names.push_back(entry.path().filename().string());
  return names;
}

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST(Pack, RoundTrip) {
  const TemporaryDirectory tmp;
  const std::vector<FakeItem> items = fake_items(40);
  pack_fake(tmp.path() / "set", items, {.shards = 3});

  const PackedSet set(tmp.path() / "set");
  ASSERT_EQ(set.size(), items.size());
  EXPECT_THAT(set.classes(), ElementsAre("cat", "dog"));
  EXPECT_THAT(set.manifest().counts, ElementsAre(40, 40));
  std::vector<std::byte> buffer;
  for (std::uint64_t id = 0; id < set.size(); ++id) {  // ids are positions in the input's order
    EXPECT_EQ(text_of(set.read(id, buffer)), items[id].payload);
    EXPECT_EQ(set.source(id), items[id].source);
    const SampleInfo sample = set.info(id);
    EXPECT_EQ(sample.sample_id, id);
    EXPECT_EQ(sample.label, items[id].label);
    EXPECT_EQ(sample.width, 10 + id);
    EXPECT_EQ(sample.height, 20U);
    EXPECT_EQ(sample.codec, Codec::kJpeg);
  }
}

TEST(Pack, BytesDoNotDependOnWorkers) {
  const TemporaryDirectory tmp;
  std::vector<FakeItem> items = fake_items(60);
  for (const std::size_t bad : {3U, 17U, 80U}) items[bad].failure = "truncated JPEG: test";
  for (int workers = 1; workers <= 4; ++workers) {
    pack_fake(tmp.path() / std::to_string(workers), items,
              {.shards = 3, .limit_per_class = 30, .workers = workers});
    EXPECT_EQ(contents_of(tmp.path() / std::to_string(workers)), contents_of(tmp.path() / "1")) << workers;
  }
}

TEST(Pack, NoShardHoldsOneClass) {
  const TemporaryDirectory tmp;
  pack_fake(tmp.path() / "set", fake_items(50), {.shards = 4});
  const PackedSet set(tmp.path() / "set");
  std::map<std::uint32_t, std::set<std::int32_t>> labels;
  for (std::uint64_t id = 0; id < set.size(); ++id) labels[set.info(id).shard].insert(set.info(id).label);
  ASSERT_EQ(labels.size(), 4U);
  for (const auto& [shard, found] : labels) EXPECT_EQ(found.size(), 2U) << shard;
}

TEST(Pack, FewerSamplesThanShardsMakeFewerShards) {
  const TemporaryDirectory tmp;
  const PackResult result = pack_fake(tmp.path() / "set", fake_items(2), {.shards = 9});
  ASSERT_EQ(result.manifest.shards.size(), 4U);
  for (const ShardEntry& shard : result.manifest.shards) EXPECT_EQ(shard.samples, 1U);
  EXPECT_EQ(PackedSet(tmp.path() / "set").size(), 4U);
}

TEST(Pack, ShardMibDecidesTheCount) {
  const TemporaryDirectory tmp;
  const PackResult result = pack_fake(tmp.path() / "set", fake_items(20, 100'000), {.shard_mib = 1});
  EXPECT_EQ(result.manifest.shards.size(), 4U);  // 40 x 100,000 bytes
}

TEST(Pack, SkipsAndConversionsAreListed) {
  const TemporaryDirectory tmp;
  std::vector<FakeItem> items = fake_items(3);
  items[1].failure = "unsupported: PSD";
  items[4].converted = "PNG P -> RGB";
  const PackResult result = pack_fake(tmp.path() / "set", items);
  const Manifest manifest = read_manifest(tmp.path() / "set");
  ASSERT_EQ(manifest.skipped.size(), 1U);
  EXPECT_EQ(manifest.skipped[0].path, "cat/1001.jpg");
  EXPECT_EQ(manifest.skipped[0].reason, "unsupported: PSD");
  ASSERT_EQ(manifest.converted.size(), 1U);
  EXPECT_EQ(manifest.converted[0].reason, "PNG P -> RGB");
  EXPECT_THAT(manifest.counts, ElementsAre(2, 3));
  EXPECT_EQ(result.stored_as_found, 4U);
  const PackedSet set(tmp.path() / "set");
  EXPECT_EQ(set.source(1), "cat/1002.jpg");  // the skipped one takes no id
}

TEST(Pack, LimitCountsGoodOnesOnly) {
  const TemporaryDirectory tmp;
  std::vector<FakeItem> items = fake_items(100);
  items[0].failure = "broken";
  items[50].failure = "never reached";
  const FakeInput input({"cat", "dog"}, items);
  static_cast<void>(pack(input, tmp.path() / "set", {.limit_per_class = 2}, [] { return false; }));
  const PackedSet set(tmp.path() / "set");
  EXPECT_THAT(set.manifest().counts, ElementsAre(2, 2));
  EXPECT_EQ(set.source(0), "cat/1001.jpg");
  EXPECT_EQ(set.manifest().skipped.size(), 1U);
  EXPECT_LT(input.loads(), 50U);
}

TEST(Pack, OnErrorFailNamesTheFirst) {
  const TemporaryDirectory tmp;
  std::vector<FakeItem> items = fake_items(10);
  items[7].failure = "truncated JPEG: a";
  items[3].failure = "truncated JPEG: b";
  const std::string message = message_of<DataError>(
      [&] { pack_fake(tmp.path() / "set", items, {.on_error = OnError::kFail, .workers = 4}); });
  EXPECT_EQ(message, "cat/1003.jpg: truncated JPEG: b");
  EXPECT_THAT(names_in(tmp.path()), ElementsAre("set.packing"));  // the good ones before it
}

TEST(Pack, ClassWithoutUsablePictures) {
  const TemporaryDirectory tmp;
  std::vector<FakeItem> items = fake_items(2);
  items[2].failure = items[3].failure = "unsupported: PSD";
  EXPECT_THAT(
      message_of<DataError>([&] { pack_fake(tmp.path() / "set", items); }),
      AllOf(HasSubstr("class 'dog' has no usable picture"), HasSubstr("dog/1000.jpg: unsupported: PSD")));
  items.resize(2);
  EXPECT_THAT(message_of<DataError>([&] { pack_fake(tmp.path() / "set", items); }),
              HasSubstr("class 'dog' has no pictures"));
  EXPECT_FALSE(fs::exists(tmp.path() / "set"));
}

TEST(Pack, RefusesForeignContent) {
  const TemporaryDirectory tmp;
  write_text(tmp.path() / "set" / "thesis.txt", "years of work");
  write_text(tmp.path() / "file", "");
  EXPECT_THAT(message_of<UsageError>([&] { pack_fake(tmp.path() / "set", fake_items(2)); }),
              HasSubstr("is not empty"));
  EXPECT_THAT(message_of<UsageError>([&] { pack_fake(tmp.path() / "file", fake_items(2)); }),
              HasSubstr("is not a directory"));
  EXPECT_EQ(read_text_file(tmp.path() / "set" / "thesis.txt"), "years of work");
}

TEST(Pack, AnEmptyDirectoryWillDoAndSoWillATrailingSlash) {
  const TemporaryDirectory tmp;
  fs::create_directory(tmp.path() / "set");
  pack_fake(tmp.path() / "set/", fake_items(2));
  EXPECT_EQ(PackedSet(tmp.path() / "set").size(), 4U);
  EXPECT_THAT(names_in(tmp.path()), ElementsAre("set"));
}

// A limit on file sizes, which makes writes fail as a full disk does.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : old_handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit low{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &low);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, old_handler_);
  }

 private:
  rlimit before_{};
  void (*old_handler_)(int);
};

// Spool, tables, HDF5's own closing, payload.
TEST(Pack, FailedWriteLeavesNoSet) {
  const TemporaryDirectory tmp;
  const PackResult whole = pack_fake(tmp.path() / "set", fake_items(10, 1500), {.shards = 1});
  fs::remove_all(tmp.path() / "set");
  const rlim_t file = whole.manifest.shards[0].bytes;
  for (const rlim_t limit : {rlim_t{0}, rlim_t{500}, file / 2, file - 4096, file - 1}) {
    const std::string message = message_of<DataError>([&] {
      const FileSizeLimit low(limit);
      pack_fake(tmp.path() / "set", fake_items(10, 1500), {.shards = 1});
    });
    EXPECT_THAT(message, AllOf(HasSubstr("cannot write"), HasSubstr("File too large"))) << limit;
    EXPECT_THAT(names_in(tmp.path()), AnyOf(IsEmpty(), ElementsAre("set.packing"))) << limit;
  }
  pack_fake(tmp.path() / "set", fake_items(10, 1500), {.shards = 1});  // HDF5 is none the worse for it
  EXPECT_EQ(PackedSet(tmp.path() / "set").size(), 20U);
}

}  // namespace
}  // namespace ft::testing
