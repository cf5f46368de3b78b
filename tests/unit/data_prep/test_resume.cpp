// An interrupted pack goes on where it was, and nothing that it finds is believed unchecked.
#include <cstring>
#include <map>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>

#include "ft/data/packed_set.h"

#include "image_folder.h"
#include "import_record.h"
#include "packing_support.h"
#include "tiny_jpegs.h"

namespace ft::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

std::map<std::string, std::string> contents_of(const fs::path& directory) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::directory_iterator(directory)) {
    files[entry.path().filename().string()] = read_text_file(entry.path());
  }
  return files;
}

// Whose candidates can change between two packs.
class ChangingInput final : public FakeInput {
 public:
  using FakeInput::FakeInput;
  [[nodiscard]] LoadedImage load(std::size_t candidate, ImportBuffers& buffers) const override {
    LoadedImage loaded = FakeInput::load(candidate, buffers);
    loaded.stamp = stamp(candidate);
    if (candidate == changed) loaded.source_xxh3 ^= 1;  // what a payload need not show
    return loaded;
  }
  [[nodiscard]] std::uint64_t stamp(std::size_t candidate) const override {
    return candidate == changed ? 2 : 1;
  }
  [[nodiscard]] std::string identity() const override { return name; }

  std::size_t changed = 999;
  std::string name = "one";
};

class Resume : public ::testing::Test {
 protected:
  static constexpr int kPerClass = 30;

  void SetUp() override {
    items_ = fake_items(kPerClass);
    items_[7].failure = "truncated JPEG: test";
    items_[9].converted = "PNG P -> RGB";
    static_cast<void>(pack(make_input(), reference_, options_, [] { return false; }));
  }

  [[nodiscard]] ChangingInput make_input() const { return {{"cat", "dog"}, items_}; }

  // Stops a pack when it has asked so many times whether to; false when it ended before.
  bool try_to_interrupt_after(int questions) {
    int asked = 0;
    try {
      static_cast<void>(pack(make_input(), set_, options_, [&] { return asked++ >= questions; }));
      return false;
    } catch (const Interrupted&) {
      EXPECT_FALSE(fs::exists(set_));
      return true;
    }
  }
  void interrupt_after(int questions) { ASSERT_TRUE(try_to_interrupt_after(questions)); }

  // Ends the pack, and returns how many candidates were loaded for it.
  std::size_t go_on(const ChangingInput& input) {
    static_cast<void>(pack(input, set_, options_, [] { return false; }));
    EXPECT_EQ(contents_of(set_), contents_of(reference_));
    EXPECT_FALSE(fs::exists(working_));
    return input.loads();
  }

  static void flip_byte(const fs::path& path, std::uint64_t at) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(at));
    const char byte = static_cast<char>(file.get() ^ 1);
    file.seekp(static_cast<std::streamoff>(at));
    file.put(byte);
  }

  TemporaryDirectory tmp_;
  fs::path reference_ = tmp_.path() / "reference";
  fs::path set_ = tmp_.path() / "set";
  fs::path working_ = tmp_.path() / "set.packing";
  fs::path journal_ = working_ / "journal-00001-00000";
  fs::path spool_ = working_ / "spool-00001-00000";
  PackOptions options_{.shards = 4};
  std::vector<FakeItem> items_;
};

TEST_F(Resume, WhereverItWasInterrupted) {
  int interrupted = 0;
  for (const int questions : {8, 9, 30, 90, 118, 119, 120, 121, 122, 123, 124, 125}) {
    // Whoever is interrupted again and again still gets on, if past what is there and the refused one.
    for (int more = questions; try_to_interrupt_after(more); more += 8) ++interrupted;
    EXPECT_EQ(contents_of(set_), contents_of(reference_)) << questions;
    EXPECT_FALSE(fs::exists(working_));
    fs::remove_all(set_);
  }
  EXPECT_GT(interrupted, 15);
}

TEST_F(Resume, NothingIsImportedTwiceButWhatWasRefused) {
  interrupt_after(80);  // two questions a candidate
  const std::size_t loaded = go_on(make_input());
  EXPECT_LE(loaded, std::size_t{2 * kPerClass} - 35);
  EXPECT_GE(loaded, 1U);
}

TEST_F(Resume, BeforeTheFirstPictureNothingIsLeft) {
  interrupt_after(0);
  EXPECT_FALSE(fs::exists(working_));
}

TEST_F(Resume, AStopIsHeardWhileWhatIsThereIsChecked) {
  interrupt_after(80);
  const std::uint64_t kept = fs::file_size(spool_);
  int asked = 0;
  const ChangingInput input = make_input();
  EXPECT_THROW(static_cast<void>(pack(input, set_, options_, [&] { return asked++ >= 3; })), Interrupted);
  EXPECT_EQ(asked, 4);
  EXPECT_EQ(input.loads(), 0U);
  EXPECT_EQ(fs::file_size(spool_), kept);
  EXPECT_LE(go_on(make_input()), std::size_t{2 * kPerClass} - 35);
}

TEST_F(Resume, ATornJournalIsCut) {
  interrupt_after(80);
  fs::resize_file(journal_, fs::file_size(journal_) - 5);
  static_cast<void>(go_on(make_input()));
  fs::remove_all(set_);
  interrupt_after(80);
  flip_byte(journal_, fs::file_size(journal_) / 2);  // what follows counts no more
  static_cast<void>(go_on(make_input()));
}

TEST_F(Resume, ADamagedPayloadIsImportedAgain) {
  interrupt_after(80);
  for (const std::uint64_t at : {std::uint64_t{3}, fs::file_size(spool_) - 1}) flip_byte(spool_, at);
  static_cast<void>(go_on(make_input()));
}

TEST_F(Resume, ALostSpoolIsImportedAgain) {
  interrupt_after(100);
  fs::resize_file(spool_, fs::file_size(spool_) / 2);
  static_cast<void>(go_on(make_input()));
  fs::remove_all(set_);
  interrupt_after(100);
  fs::remove(spool_);
  EXPECT_EQ(go_on(make_input()), 2U * kPerClass);
}

TEST_F(Resume, AChangedFileIsReadAgain) {
  interrupt_after(80);
  items_[2].payload = "another picture";
  ChangingInput input = make_input();
  input.changed = 2;
  fs::remove_all(reference_);
  static_cast<void>(pack(input, reference_, options_, [] { return false; }));
  ChangingInput again = make_input();
  again.changed = 2;
  EXPECT_LT(go_on(again), std::size_t{2 * kPerClass} - 30);
}

// Two files of one size that change places, their times with them.
TEST_F(Resume, SwappedFilesAreReadAgain) {
  const fs::path root = tmp_.path() / "pictures";
  const std::vector<std::byte> jpeg = bytes_of_hex(kTinyGreyJpeg);
  std::string bytes(reinterpret_cast<const char*>(jpeg.data()), jpeg.size());
  for (const char* name : {"a/1", "a/2", "b/1", "b/2"}) {
    write_text(root / name, bytes + name);  // what follows a JPEG is no part of the picture
    fs::last_write_time(root / name, fs::file_time_type());
  }
  const ImageFolder folder(root, {});
  int asked = 0;
  const auto stop_late = [&] { return asked++ >= 6; };
  EXPECT_THROW(static_cast<void>(pack(folder, set_, options_, stop_late)), Interrupted);
  ASSERT_TRUE(fs::exists(journal_));
  fs::rename(root / "a/1", root / "kept");
  fs::rename(root / "a/2", root / "a/1");
  fs::rename(root / "kept", root / "a/2");
  fs::remove_all(reference_);
  static_cast<void>(pack(folder, reference_, options_, [] { return false; }));
  static_cast<void>(pack(folder, set_, options_, [] { return false; }));
  EXPECT_EQ(contents_of(set_), contents_of(reference_));
}

TEST_F(Resume, AnotherInputStartsAfresh) {
  interrupt_after(80);
  ChangingInput input = make_input();
  input.name = "two";
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(go_on(input), 2U * kPerClass);
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              HasSubstr("set.packing is of another pack (pictures differ): it starts afresh"));
}

TEST_F(Resume, WhatOtherVersionsImportedStartsAfresh) {
  interrupt_after(80);
  const fs::path key = working_ / "key.json";
  nlohmann::ordered_json json = nlohmann::ordered_json::parse(read_text_file(key));
  json.at("versions").at("zlib") = "another";
  write_text(key, json.dump());
  EXPECT_EQ(go_on(make_input()), 2U * kPerClass);
}

TEST_F(Resume, FreshBeginsAnew) {
  interrupt_after(80);
  options_.fresh = true;
  EXPECT_EQ(go_on(make_input()), 2U * kPerClass);
}

TEST_F(Resume, ShardsAndLimitMayChange) {
  interrupt_after(80);
  options_ = {.shards = 3, .limit_per_class = 10};
  fs::remove_all(reference_);
  static_cast<void>(pack(make_input(), reference_, options_, [] { return false; }));
  EXPECT_LE(go_on(make_input()), 12U);
}

TEST_F(Resume, ACompleteShardIsKeptAndADamagedOneIsNot) {
  const fs::path shard = working_ / "set" / "shard-00000-of-00004.h5";
  const auto stop_in_the_last_shard = [&] {
    const ChangingInput input = make_input();
    static_cast<void>(
        pack(input, set_, options_, [&] { return fs::exists(working_ / "shard-00002-of-00004.json"); }));
  };
  EXPECT_THROW(stop_in_the_last_shard(), Interrupted);
  const auto written = fs::last_write_time(shard);
  EXPECT_EQ(go_on(make_input()), 1U);  // the refused one
  EXPECT_EQ(fs::last_write_time(set_ / "shard-00000-of-00004.h5"), written);

  fs::remove_all(set_);
  EXPECT_THROW(stop_in_the_last_shard(), Interrupted);
  flip_byte(shard, fs::file_size(shard) - 1);
  static_cast<void>(go_on(make_input()));
}

// As of a BMP in whose header a byte changes that means nothing: what is stored stays, what it was made of
// not.
TEST_F(Resume, AShardWhoseSourcesChangedIsWrittenAgain) {
  const auto stop_in_the_last_shard = [&] {
    static_cast<void>(pack(make_input(), set_, options_,
                           [&] { return fs::exists(working_ / "shard-00002-of-00004.json"); }));
  };
  for (const std::size_t changed : {std::size_t{2}, std::size_t{20}, std::size_t{40}, std::size_t{55}}) {
    EXPECT_THROW(stop_in_the_last_shard(), Interrupted);
    ChangingInput input = make_input();
    input.changed = changed;
    fs::remove_all(reference_);
    static_cast<void>(pack(input, reference_, options_, [] { return false; }));
    ChangingInput again = make_input();
    again.changed = changed;
    EXPECT_EQ(go_on(again), 2U);  // and the refused one
    fs::remove_all(set_);
  }
}

TEST_F(Resume, ARunningPackIsNotDisturbed) {
  interrupt_after(80);
  const UniqueFd lock(::open((working_ / "lock").c_str(), O_RDWR));
  ASSERT_EQ(::flock(lock.get(), LOCK_EX | LOCK_NB), 0);
  const auto try_it = [&] { static_cast<void>(pack(make_input(), set_, options_, [] { return false; })); };
  EXPECT_THAT(message_of<UsageError>(try_it),
              AllOf(HasSubstr("set.packing is in use by process"), HasSubstr(" on ")));
  EXPECT_TRUE(fs::exists(journal_));
}

TEST_F(Resume, WhatAFinishedPackCouldNotRemoveGoesWithTheNext) {
  interrupt_after(80);
  fs::remove_all(working_ / "set");
  fs::copy(reference_, set_);
  EXPECT_THAT(message_of<UsageError>(
                  [&] { static_cast<void>(pack(make_input(), set_, options_, [] { return false; })); }),
              HasSubstr("is not empty"));
  EXPECT_FALSE(fs::exists(working_));
}

TEST(ImportRecord, RoundTripAndDamage) {
  std::string text;
  std::vector<std::size_t> ends;
  for (std::uint64_t i = 0; i < 3; ++i) {
    append_record(
        text, {.sample = {.candidate = i, .bytes = 10 * i}, .refused = i == 1, .note = std::string(i, 'x')});
    ends.push_back(text.size());
  }
  std::vector<ImportRecord> records;
  const auto collect = [&records](ImportRecord&& record) { records.push_back(std::move(record)); };
  EXPECT_EQ(visit_records(text, collect), text.size());
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(records[2].sample.bytes, 20U);
  EXPECT_TRUE(records[1].refused);
  EXPECT_EQ(records[2].note, "xx");
  for (std::size_t cut = 0; cut < text.size(); ++cut) {  // wherever it is torn
    records.clear();
    const auto whole =
        static_cast<std::size_t>(std::upper_bound(ends.begin(), ends.end(), cut) - ends.begin());
    EXPECT_EQ(visit_records(text.substr(0, cut), collect), whole == 0 ? 0 : ends[whole - 1]);
    EXPECT_EQ(records.size(), whole);
  }
  for (std::size_t at = ends[0]; at < ends[1]; ++at) {  // a flipped bit in the second ends it there
    records.clear();
    std::string flipped = text;
    flipped[at] = static_cast<char>(flipped[at] ^ 4);
    EXPECT_EQ(visit_records(flipped, collect), ends[0]) << at;
  }
}

}  // namespace
}  // namespace ft::testing
