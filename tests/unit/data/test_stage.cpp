#include <cstdlib>
#include <fstream>
#include <thread>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/statvfs.h>

#include "ft/base/error.h"
#include "ft/base/file.h"
#include "ft/data/packed_set.h"
#include "ft/data/stage.h"

#include "patterned_image.h"
#include "temporary_directory.h"
#include "tiny_packed_set.h"

namespace ft {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

void flip_a_byte(const fs::path& path, std::streamoff at) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(at);
  const char byte = static_cast<char>(file.get() ^ 1);
  file.seekp(at);
  file.put(byte);
}

class StageTest : public testing::Test {
 protected:
  void SetUp() override {
    for (int i = 0; i < 2; ++i) {
      fs::create_directories(set(i));
      TinyPackedSet samples;
      samples.add_raw(patterned_image(40 + i, 30), 0);
      samples.add_raw(patterned_image(50, 20 + i), 1);
      samples.write(set(i));
    }
  }

  [[nodiscard]] fs::path set(int i) const { return directory_.path() / ("set" + std::to_string(i)); }
  [[nodiscard]] fs::path root() const { return directory_.path() / "local" / "ft"; }
  [[nodiscard]] std::uint64_t bytes(int i) const { return fs::file_size(set(i) / shard_file_name(0, 1)); }
  [[nodiscard]] StageOutcome stage(const std::vector<fs::path>& sets) const {
    return stage_sets(sets, root(), [](std::uint64_t, std::uint64_t) {});
  }
  // Everything under the root but locks.
  [[nodiscard]] std::size_t files() const {
    std::size_t count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(root())) {
      if (entry.is_regular_file() && entry.path().extension() != ".lock") ++count;
    }
    return count;
  }

  TemporaryDirectory directory_;
};

TEST_F(StageTest, CopiesOnceAndThenUsesWhatIsThere) {
  const StageOutcome first = stage({set(0), set(1), set(0)});
  EXPECT_EQ(first.bytes_copied, bytes(0) + bytes(1));
  EXPECT_EQ(first.bytes_reused, 0U);
  ASSERT_EQ(first.copies.size(), 3U);
  EXPECT_EQ(first.copies[0], first.copies[2]);
  EXPECT_EQ(first.copies[1], staged_path(set(1), root()));
  EXPECT_EQ(files(), 4U);  // a shard and a manifest each
  for (int i = 0; i < 2; ++i) {
    const PackedSet original(set(i)), copy(first.copies[static_cast<std::size_t>(i)]);
    EXPECT_EQ(copy.fingerprint(), original.fingerprint());
    std::vector<std::byte> a, b;
    EXPECT_THAT(copy.read(1, a), testing::ElementsAreArray(original.read(1, b)));
  }
  const StageOutcome second = stage({set(0), set(1)});
  EXPECT_EQ(second.bytes_copied, 0U);
  EXPECT_EQ(second.bytes_reused, bytes(0) + bytes(1));
}

TEST_F(StageTest, ReportsProgressUpToTheWhole) {
  std::uint64_t last = 0, of = 0;
  static_cast<void>(stage_sets({set(0)}, root(), [&](std::uint64_t done, std::uint64_t total) {
    EXPECT_GE(done, last);
    last = done;
    of = total;
  }));
  EXPECT_EQ(last, bytes(0));
  EXPECT_EQ(of, bytes(0));
}

TEST_F(StageTest, ReplacesWhatIsDamagedOrHalfMade) {
  const fs::path copy = stage({set(0)}).copies[0];
  const fs::path shard = copy / shard_file_name(0, 1);
  flip_a_byte(shard, 3000);
  fs::remove(copy / kManifestName);
  std::ofstream(shard.string() + ".tmp-somewhere-17") << "half";
  EXPECT_EQ(stage({set(0)}).bytes_copied, bytes(0));
  EXPECT_EQ(files(), 2U);
  EXPECT_EQ(read_file(shard), read_file(set(0) / shard_file_name(0, 1)));
}

TEST_F(StageTest, RefusesADamagedSource) {
  flip_a_byte(set(0) / shard_file_name(0, 1), 3000);
  try {
    static_cast<void>(stage({set(0)}));
    ADD_FAILURE() << "no error";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("set0/shard-00000-of-00001.h5"), HasSubstr("manifest"),
                                    HasSubstr("damaged")));
  }
  EXPECT_EQ(files(), 0U);  // neither a shard nor a half of one
}

TEST_F(StageTest, SaysBeforeCopyingThatThereIsNoRoom) {
  // A manifest that promises a shard larger than the disk.
  Manifest manifest = read_manifest(set(0));
  manifest.shards[0].bytes = std::uint64_t{1} << 60;
  manifest.fingerprint = compute_fingerprint(manifest);
  std::ofstream(set(0) / kManifestName) << to_json_text(manifest);
  try {
    static_cast<void>(stage({set(0), set(1)}));
    ADD_FAILURE() << "no error";
  } catch (const DataError& error) {
    const std::string needed = std::to_string((std::uint64_t{1} << 60) + bytes(1));
    EXPECT_THAT(error.what(), AllOf(HasSubstr(root().string()), HasSubstr(needed), HasSubstr("bytes free")));
  }
  EXPECT_EQ(files(), 0U);
}

TEST_F(StageTest, WaitsForAnotherProcessThatIsCopyingTheSame) {
  fs::create_directories(root());
  const fs::path lock = staged_path(set(0), root()).string() + ".lock";
  UniqueFd other(::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  ASSERT_EQ(::flock(other.get(), LOCK_EX), 0);
  std::atomic<int> reports{0};
  std::atomic<bool> done{false};
  std::jthread waiting([&] {
    static_cast<void>(stage_sets({set(0)}, root(), [&](std::uint64_t, std::uint64_t) { ++reports; }));
    done = true;
  });
  while (reports < 2) std::this_thread::yield();
  EXPECT_FALSE(done);
  EXPECT_EQ(files(), 0U);
  other = UniqueFd();
  waiting.join();
  EXPECT_TRUE(done);
}

TEST_F(StageTest, RefusesARootThatCannotBeMade) {
  std::ofstream(directory_.path() / "local") << "a file";
  EXPECT_THROW(static_cast<void>(stage({set(0)})), DataError);
}

TEST(ExpandVariables, PutsInTheEnvironment) {
  ::setenv("FT_TEST_STAGE", "/scratch/job", 1);
  ::unsetenv("FT_TEST_ABSENT");
  EXPECT_EQ(expand_variables("/dev/shm/ft"), "/dev/shm/ft");
  EXPECT_EQ(expand_variables("$FT_TEST_STAGE"), "/scratch/job");
  EXPECT_EQ(expand_variables("$FT_TEST_STAGE/ft"), "/scratch/job/ft");
  EXPECT_EQ(expand_variables("/a${FT_TEST_STAGE}b"), "/a/scratch/jobb");
  for (const char* bad : {"$FT_TEST_ABSENT/ft", "/a$", "$/a", "${FT_TEST_STAGE", "${}", "a/b"}) {
    EXPECT_THROW(static_cast<void>(expand_variables(bad)), UsageError) << bad;
  }
}

}  // namespace
}  // namespace ft
