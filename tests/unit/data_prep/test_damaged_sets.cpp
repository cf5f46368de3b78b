// What opening, reading and verifying say about sets that are not as they were packed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "ft/data/hdf5_handle.h"
#include "ft/data/packed_set.h"

#include "packing_support.h"
#include "verify.h"

// HDF5 itself leaks a little when it refuses a damaged file.
extern "C" const char* __lsan_default_suppressions();   // NOLINT(bugprone-reserved-identifier)
extern "C" const char* __lsan_default_suppressions() {  // NOLINT(bugprone-reserved-identifier)
  return "leak:libhdf5";
}

namespace ft::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr const char* kFirst = "shard-00000-of-00002.h5";

class DamagedSet : public ::testing::Test {
 protected:
  DamagedSet() { pack_fake(set_, fake_items(10), {.shards = 2}); }

  [[nodiscard]] std::string open_error() const {
    return message_of<DataError>([this] { const PackedSet set(set_); });
  }

  // Changes the first shard as a packer with a mistake would have written it: its size and the hash of its
  // metadata are as the manifest says.
  template <class Change>
  void change_with_hdf5(Change change) const {
    {
      const Hdf5Session session;
      const Hdf5Handle file(H5Fopen((set_ / kFirst).c_str(), H5F_ACC_RDWR, H5P_DEFAULT), H5Fclose);
      ASSERT_GE(file.get(), 0);
      change(file.get());
    }
    record_anew(set_);
  }

  static void write_attribute(hid_t file, const char* name, std::uint32_t value) {
    const Hdf5Handle attribute(H5Aopen(file, name, H5P_DEFAULT), H5Aclose);
    ASSERT_GE(H5Awrite(attribute.get(), H5T_NATIVE_UINT32, &value), 0);
  }

  static void write_first(hid_t file, const char* name, std::uint64_t value) {
    const Hdf5Handle dataset(H5Dopen2(file, name, H5P_DEFAULT), H5Dclose);
    const Hdf5Handle memory(H5Screate(H5S_SCALAR), H5Sclose);
    const Hdf5Handle place(H5Dget_space(dataset.get()), H5Sclose);
    const hsize_t first = 0;
    ASSERT_GE(H5Sselect_elements(place.get(), H5S_SELECT_SET, 1, &first), 0);
    ASSERT_GE(H5Dwrite(dataset.get(), H5T_NATIVE_UINT64, memory.get(), place.get(), H5P_DEFAULT, &value), 0);
  }

  // What opening says of a fresh set whose first entry of `dataset` is `value`.
  [[nodiscard]] std::string error_after(const char* dataset, std::uint64_t value) {
    fs::remove_all(set_);
    pack_fake(set_, fake_items(10), {.shards = 2});
    change_with_hdf5([&](hid_t file) { write_first(file, dataset, value); });
    return open_error();
  }

  TemporaryDirectory tmp_;
  fs::path set_ = tmp_.path() / "set";
};

TEST_F(DamagedSet, WholeOneIsFine) {
  EXPECT_EQ(open_error(), "");
  EXPECT_THAT(verify(set_).damage, IsEmpty());
}

TEST_F(DamagedSet, NoManifest) {
  fs::remove(set_ / kManifestName);
  EXPECT_THAT(open_error(), HasSubstr("is not a packed set"));
  EXPECT_THROW(static_cast<void>(verify(set_)), DataError);
}

TEST_F(DamagedSet, MissingShard) {
  fs::remove(set_ / kFirst);
  EXPECT_THAT(open_error(), AllOf(HasSubstr(kFirst), HasSubstr("No such file")));
  EXPECT_THAT(verify(set_).damage, Not(IsEmpty()));
}

TEST_F(DamagedSet, CutShort) {
  const std::uintmax_t size = fs::file_size(set_ / kFirst);
  fs::resize_file(set_ / kFirst, size - 1);
  EXPECT_THAT(open_error(), AllOf(HasSubstr(kFirst), HasSubstr("cut short")));
  fs::resize_file(set_ / kFirst, size + 1);
  EXPECT_THAT(open_error(), HasSubstr("a shard of another set?"));
  fs::resize_file(set_ / kFirst, 0);
  EXPECT_THAT(open_error(), HasSubstr("cut short: 0 bytes of"));
}

TEST_F(DamagedSet, NotHdf5) {
  write_text(set_ / kFirst, std::string(fs::file_size(set_ / kFirst), 'x'));
  EXPECT_THAT(open_error(), AllOf(HasSubstr("damaged"), HasSubstr(kFirst)));
  record_anew(set_);
  EXPECT_THAT(open_error(), AllOf(HasSubstr("as HDF5"), HasSubstr(kFirst)));
}

TEST_F(DamagedSet, AnotherVersion) {
  change_with_hdf5([](hid_t file) { write_attribute(file, "format_version", 7); });
  EXPECT_THAT(open_error(),
              AllOf(HasSubstr(kFirst), HasSubstr("format version 7"), HasSubstr("reads version 1")));
}

TEST_F(DamagedSet, ShardsSwapped) {
  const fs::path second = set_ / "shard-00001-of-00002.h5";
  fs::rename(set_ / kFirst, tmp_.path() / "aside");
  fs::rename(second, set_ / kFirst);
  fs::rename(tmp_.path() / "aside", second);
  EXPECT_THAT(open_error(), AllOf(HasSubstr(kFirst), HasSubstr("a shard of another set")));
}

TEST_F(DamagedSet, ShardThatSaysItIsAnother) {
  change_with_hdf5([](hid_t file) { write_attribute(file, "shard_index", 1); });
  EXPECT_THAT(open_error(), HasSubstr("says it is shard 1 of 2, expected 0 of 2"));
}

// Same sizes, same counts, same classes: only the tables tell.
TEST_F(DamagedSet, ShardOfAnotherSet) {
  std::vector<FakeItem> items = fake_items(10);
  for (FakeItem& item : items) item.payload[0] = '#';
  pack_fake(tmp_.path() / "other", items, {.shards = 2});
  ASSERT_EQ(fs::file_size(tmp_.path() / "other" / kFirst), fs::file_size(set_ / kFirst));
  fs::copy_file(tmp_.path() / "other" / kFirst, set_ / kFirst, fs::copy_options::overwrite_existing);
  EXPECT_THAT(open_error(), AllOf(HasSubstr(kFirst), HasSubstr("a shard of another set")));
}

TEST_F(DamagedSet, OtherClassList) {
  const FakeInput input({"cow", "dog"}, fake_items(10));
  static_cast<void>(pack(input, tmp_.path() / "other", {.shards = 2}, [] { return false; }));
  fs::copy_file(tmp_.path() / "other" / kFirst, set_ / kFirst, fs::copy_options::overwrite_existing);
  EXPECT_THAT(open_error(), AllOf(HasSubstr(kFirst), HasSubstr("a shard of another set")));
}

// As a packer before metadata_xxh3_128 left it: HDF5 has to cope, and the tables' own hash finds the rest.
TEST_F(DamagedSet, WithoutAHashOfTheMetadata) {
  Manifest manifest = read_manifest(set_);
  manifest.shards[0].metadata_xxh3_128.clear();
  manifest.fingerprint = compute_fingerprint(manifest);
  write_text(set_ / kManifestName, to_json_text(manifest));
  EXPECT_EQ(open_error(), "");
  fs::copy_file(set_ / "shard-00001-of-00002.h5", set_ / kFirst, fs::copy_options::overwrite_existing);
  EXPECT_THAT(open_error(), HasSubstr("a shard of another set"));
}

TEST_F(DamagedSet, ShardMissing) {
  fs::remove(set_ / kFirst);
  EXPECT_THAT(open_error(), AllOf(HasSubstr(kFirst), HasSubstr("No such file")));
}

TEST_F(DamagedSet, ShardIsADirectory) {
  fs::remove(set_ / kFirst);
  fs::create_directory(set_ / kFirst);
  EXPECT_THAT(open_error(), HasSubstr(kFirst));
}

TEST_F(DamagedSet, ManifestThatNestsTooDeep) {
  std::string text = read_text_file(set_ / kManifestName);
  text.replace(text.find("\"converted\": [") + 14, 0,
               std::string(500'000, '[') + std::string(500'000, ']') + ",");
  write_text(set_ / kManifestName, text);
  EXPECT_THAT(open_error(), AllOf(HasSubstr(kManifestName), HasSubstr("nests deeper than")));
}

TEST_F(DamagedSet, BadTables) {
  EXPECT_THAT(error_after("label", 2), HasSubstr("row 0: label 2 in a set of 2 classes"));
  EXPECT_THAT(error_after("offset", 1), HasSubstr("offsets"));
  EXPECT_THAT(error_after("codec", 9), HasSubstr("unknown codec 9"));
  EXPECT_THAT(error_after("width", 0), HasSubstr("a picture of 0 x 20"));
  EXPECT_THAT(error_after("sample_id", 1000), HasSubstr("tables"));
  EXPECT_THAT(error_after("xxh3", 0), HasSubstr("tables"));
}

TEST_F(DamagedSet, SidesThatNoPictureHas) {
  EXPECT_THAT(error_after("width", 0x8000'0000U), HasSubstr("a picture of 2147483648 x 20 pixels"));
  EXPECT_THAT(error_after("height", 0xFFFF'FFFFU), HasSubstr("4294967295 pixels"));
  EXPECT_THAT(error_after("height", 1'048'577), HasSubstr("1048577 pixels"));
}

TEST_F(DamagedSet, AttributesOfSeveralValues) {
  for (const char* name : {"format_version", "shard_index", "format"}) {
    fs::remove_all(set_);
    pack_fake(set_, fake_items(10), {.shards = 2});
    change_with_hdf5([name](hid_t file) {
      const Hdf5Handle old(H5Aopen(file, name, H5P_DEFAULT), H5Aclose);
      const Hdf5Handle type(H5Aget_type(old.get()), H5Tclose);
      ASSERT_GE(H5Adelete(file, name), 0);
      const hsize_t count = 1000;
      const Hdf5Handle space(H5Screate_simple(1, &count, nullptr), H5Sclose);
      const Hdf5Handle made(H5Acreate2(file, name, type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT),
                            H5Aclose);
      ASSERT_GE(made.get(), 0);
    });
    EXPECT_THAT(open_error(), AllOf(HasSubstr(kFirst), HasSubstr(name), HasSubstr("is not one value")));
  }
}

TEST_F(DamagedSet, DatasetOfAnotherFile) {
  change_with_hdf5([](hid_t file) {
    ASSERT_GE(H5Ldelete(file, "label", H5P_DEFAULT), 0);
    ASSERT_GE(
        H5Lcreate_external("shard-00001-of-00002.h5", "/label", file, "label", H5P_DEFAULT, H5P_DEFAULT), 0);
  });
  EXPECT_THAT(open_error(), HasSubstr("dataset label is not contiguous in this file"));
}

TEST_F(DamagedSet, ManifestOrShardThatIsAPipe) {
  fs::remove(set_ / kFirst);
  ASSERT_EQ(::mkfifo((set_ / kFirst).c_str(), 0600), 0);
  EXPECT_THAT(open_error(), HasSubstr(kFirst));
  EXPECT_THAT(verify(set_).damage, Not(IsEmpty()));
  fs::remove(set_ / kManifestName);
  ASSERT_EQ(::mkfifo((set_ / kManifestName).c_str(), 0600), 0);
  EXPECT_THAT(open_error(), HasSubstr("is not a plain file"));
}

TEST_F(DamagedSet, MissingDataset) {
  change_with_hdf5(
      [](hid_t file) { ASSERT_GE(H5Lmove(file, "width", file, "breit", H5P_DEFAULT, H5P_DEFAULT), 0); });
  EXPECT_THAT(open_error(), AllOf(HasSubstr("dataset width"), HasSubstr(kFirst)));
}

TEST_F(DamagedSet, EditedManifest) {
  std::string text = read_text_file(set_ / kManifestName);
  text.replace(text.find("\"cat\""), 5, "\"cow\"");
  write_text(set_ / kManifestName, text);
  EXPECT_THAT(open_error(), HasSubstr("fingerprint does not match"));
}

std::string error_of_reading_all(const fs::path& directory) {
  return message_of<DataError>([&] {
    const PackedSet set(directory);
    std::vector<std::byte> buffer;
    for (std::uint64_t id = 0; id < set.size(); ++id) static_cast<void>(set.read(id, buffer));
  });
}

// A sample in the first shard, and where in the file its bytes begin.
struct StoredSample {
  std::uint64_t id;
  std::size_t begin;
  std::size_t size;
};

StoredSample sample_in_first_shard(const fs::path& directory, std::uint64_t row) {
  const PackedSet set(directory);
  std::uint64_t id = 0;
  while (set.info(id).shard != 0 || set.info(id).row != row) ++id;
  std::vector<std::byte> buffer;
  const std::span<const std::byte> bytes = set.read(id, buffer);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return {id, read_text_file(directory / kFirst).find(text), bytes.size()};
}

// verify finds a flipped bit anywhere; opening and reading find it wherever training would meet it, and
// survive it everywhere else.
TEST_F(DamagedSet, FlippedBits) {
  const std::string whole = read_text_file(set_ / kFirst);
  const StoredSample first = sample_in_first_shard(set_, 0);
  const StoredSample last = sample_in_first_shard(set_, 9);
  for (std::size_t byte = 0; byte < whole.size(); byte += 41) {
    std::string damaged = whole;
    damaged[byte] = static_cast<char>(damaged[byte] ^ (1 << (byte % 8)));
    write_text(set_ / kFirst, damaged);
    EXPECT_THAT(verify(set_).damage, Not(IsEmpty())) << byte;
    const std::string error = error_of_reading_all(set_);
    if (byte >= first.begin && byte < last.begin + last.size) {
      EXPECT_THAT(error, HasSubstr("damaged")) << byte;
    }
  }
}

TEST_F(DamagedSet, FlippedPayloadIsNamedByRead) {
  const StoredSample sample = sample_in_first_shard(set_, 3);
  const std::string source = PackedSet(set_).source(sample.id);
  std::string bytes = read_text_file(set_ / kFirst);
  bytes[sample.begin + sample.size - 1] ^= 1;
  write_text(set_ / kFirst, bytes);
  EXPECT_EQ(open_error(), "");
  EXPECT_THAT(error_of_reading_all(set_), AllOf(HasSubstr("sample " + std::to_string(sample.id) + " (" +
                                                          kFirst + " row 3, " + source + ")"),
                                                HasSubstr("damaged")));
  EXPECT_EQ(verify(set_).damage.size(), 2U);  // the file and the sample
}

TEST_F(DamagedSet, UnknownSample) {
  const PackedSet set(set_);
  EXPECT_THAT(message_of<DataError>([&] { static_cast<void>(set.info(20)); }), HasSubstr("no sample 20"));
}

}  // namespace
}  // namespace ft::testing
