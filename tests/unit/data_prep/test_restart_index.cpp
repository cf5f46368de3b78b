// Restart offsets on their way through a packed set.
#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ft/data/hdf5_handle.h"
#include "ft/data/packed_set.h"

#include "image_folder.h"
#include "jpeg_restart.h"
#include "jpeg_support.h"
#include "packing_support.h"
#include "patterned_image.h"
#include "verify.h"

namespace ft::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

void write_jpeg(const fs::path& path, const std::vector<std::byte>& file) {
  write_text(path, {reinterpret_cast<const char*>(file.data()), file.size()});
}

class RestartIndex : public ::testing::Test {
 protected:
  RestartIndex() {
    for (int i = 0; i < 6; ++i) {
      const RgbImage image = patterned_image(320 + 64 * i, 50);
      const std::string name = std::to_string(i) + ".jpg";
      write_jpeg(source_ / "cat" / name, make_jpeg(image));
      write_jpeg(source_ / "dog" / name, make_jpeg(image, {.quality = 80, .progressive = i % 2 == 0}));
    }
    pack_to(set_, {.shards = 2, .encoding = {.restart_index = true}});
  }

  void pack_to(const fs::path& out, const PackOptions& options) const {
    static_cast<void>(pack(ImageFolder(source_, {}), out, options, [] { return false; }));
  }

  [[nodiscard]] std::string error_of_reading_all() const {
    return message_of<DataError>([this] {
      const PackedSet set(set_);
      std::vector<std::uint32_t> buffer;
      for (std::uint64_t id = 0; id < set.size(); ++id) {
        static_cast<void>(set.read_restart_offsets(id, buffer));
      }
    });
  }

  // Sets entry `index` of a dataset of the first shard.
  // As a packer with a mistake would have written it: the manifest agrees.
  void damage(const char* name, hsize_t index, std::uint64_t value) const {
    write_entry(name, index, value);
    record_anew(set_);
  }

  void write_entry(const char* name, hsize_t index, std::uint64_t value) const {
    const Hdf5Session session;
    const Hdf5Handle file(H5Fopen((set_ / kFirst).c_str(), H5F_ACC_RDWR, H5P_DEFAULT), H5Fclose);
    const Hdf5Handle dataset(H5Dopen2(file.get(), name, H5P_DEFAULT), H5Dclose);
    const Hdf5Handle memory(H5Screate(H5S_SCALAR), H5Sclose);
    const Hdf5Handle place(H5Dget_space(dataset.get()), H5Sclose);
    ASSERT_GE(H5Sselect_elements(place.get(), H5S_SELECT_SET, 1, &index), 0);
    ASSERT_GE(H5Dwrite(dataset.get(), H5T_NATIVE_UINT64, memory.get(), place.get(), H5P_DEFAULT, &value), 0);
  }

  static constexpr const char* kFirst = "shard-00000-of-00002.h5";
  TemporaryDirectory tmp_;
  fs::path source_ = tmp_.path() / "src";
  fs::path set_ = tmp_.path() / "set";
};

TEST_F(RestartIndex, OffsetsComeBackWithTheirSample) {
  const PackedSet set(set_);
  EXPECT_TRUE(set.has_restart_index());
  std::vector<std::byte> payload;
  std::vector<std::uint32_t> buffer;
  std::uint64_t transcoded = 0;
  for (std::uint64_t id = 0; id < set.size(); ++id) {
    const std::vector<std::byte> file = read_file(source_ / set.source(id));
    const std::optional<RestartJpeg> expected = add_restart_markers(file);
    if (expected) ++transcoded;
    const std::span<const std::byte> stored = set.read(id, payload);
    EXPECT_TRUE(std::ranges::equal(stored, expected ? expected->file : file)) << id;
    EXPECT_THAT(set.read_restart_offsets(id, buffer),
                ElementsAreArray(expected ? expected->restart_offset : std::vector<std::uint32_t>{}));
  }
  EXPECT_EQ(transcoded, 9U);  // three are progressive
  EXPECT_EQ(set.manifest().transcoded->samples, transcoded);
  EXPECT_THAT(verify(set_).damage, IsEmpty());
}

TEST_F(RestartIndex, BytesDoNotDependOnWorkers) {
  pack_to(tmp_.path() / "again", {.shards = 2, .encoding = {.restart_index = true}, .workers = 3});
  for (const auto& entry : fs::directory_iterator(set_)) {
    const fs::path name = entry.path().filename();
    EXPECT_EQ(read_text_file(tmp_.path() / "again" / name), read_text_file(entry.path())) << name;
  }
}

TEST_F(RestartIndex, SetsWithoutOneHaveNoOffsets) {
  pack_to(tmp_.path() / "plain", {});
  const PackedSet set(tmp_.path() / "plain");
  std::vector<std::uint32_t> buffer;
  EXPECT_FALSE(set.has_restart_index());
  EXPECT_THAT(set.read_restart_offsets(0, buffer), IsEmpty());
}

TEST_F(RestartIndex, NothingToTranscodeMakesAnEmptyOne) {
  fs::remove_all(source_);
  for (const char* path : {"cat/1.jpg", "dog/1.jpg"}) {
    write_jpeg(source_ / path, make_jpeg(patterned_image(64, 64), {.progressive = true}));
  }
  pack_to(tmp_.path() / "progressive", {.shards = 2, .encoding = {.restart_index = true}});
  const PackedSet set(tmp_.path() / "progressive");
  std::vector<std::uint32_t> buffer;
  EXPECT_TRUE(set.has_restart_index());
  EXPECT_THAT(set.read_restart_offsets(1, buffer), IsEmpty());
}

TEST_F(RestartIndex, DamagedEntriesAreRefusedByShardAndRow) {
  EXPECT_EQ(error_of_reading_all(), "");
  damage("restart_index", 0, 1'000'000'000);
  EXPECT_THAT(error_of_reading_all(), AllOf(HasSubstr(kFirst), HasSubstr("row 0: damaged restart_index")));
}

TEST_F(RestartIndex, EntriesBeyondTheEndAreRefused) {
  damage("restart_index", 6, std::uint64_t{1} << 62U);
  EXPECT_THAT(error_of_reading_all(), AllOf(HasSubstr(kFirst), HasSubstr("row 5: damaged restart_index")));
}

TEST_F(RestartIndex, OffsetsOutsideThePayloadAreRefused) {
  for (const std::uint64_t value : {std::uint64_t{0}, std::uint64_t{0xffff'ffff}}) {
    damage("restart_offset", 0, value);
    EXPECT_THAT(error_of_reading_all(), AllOf(HasSubstr(kFirst), HasSubstr("damaged restart_offset")))
        << value;
  }
}

TEST_F(RestartIndex, ShardsWithAndWithoutOneDoNotMix) {
  Manifest manifest = read_manifest(set_);
  manifest.transcoded.reset();
  manifest.fingerprint = compute_fingerprint(manifest);
  write_text(set_ / kManifestName, to_json_text(manifest));
  EXPECT_THAT(error_of_reading_all(), AllOf(HasSubstr(kFirst), HasSubstr("must not be there")));
}

}  // namespace
}  // namespace ft::testing
