#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ft/data/hdf5_handle.h"

#include "packing_support.h"
#include "shard_writer.h"

namespace ft::testing {
namespace {

namespace fs = std::filesystem;

ShardRows rows_with_payload(std::uint64_t bytes) {
  ShardRows rows;
  rows.tables = {.offset = {0, bytes},
                 .label = {1},
                 .width = {2},
                 .height = {3},
                 .codec = {1},
                 .xxh3 = {4},
                 .sample_id = {0}};
  rows.source = "b/1.jpg";
  rows.source_offset = {0, 7};
  rows.source_xxh3 = {5};
  return rows;
}

fs::path write_shard(const fs::path& directory, std::uint64_t payload_bytes) {
  ShardWriter writer(directory, {}, {"a", "b"}, rows_with_payload(payload_bytes));
  writer.append(std::vector<std::byte>(payload_bytes, std::byte{7}));
  return directory / writer.finish().file;
}

class PayloadOfSize : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(PayloadOfSize, BeginsAtAPage) {
  const TemporaryDirectory tmp;
  const fs::path path = write_shard(tmp.path(), GetParam());
  const Hdf5Session session;
  const Hdf5Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose);
  const Hdf5Handle payload(H5Dopen2(file.get(), "payload", H5P_DEFAULT), H5Dclose);
  EXPECT_EQ(H5Dget_offset(payload.get()) % kPayloadAlignment, 0U);
  std::vector<std::uint8_t> bytes(GetParam());
  ASSERT_GE(H5Dread(payload.get(), H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data()), 0);
  EXPECT_EQ(bytes, std::vector<std::uint8_t>(GetParam(), 7));
}

INSTANTIATE_TEST_SUITE_P(Sizes, PayloadOfSize, ::testing::Values(1, 100, 4095, 4096, 4097, 3'000'000));

TEST(ShardWriter, AllIsContiguousAndWithoutTimes) {
  const TemporaryDirectory tmp;
  const fs::path path = write_shard(tmp.path(), 5000);
  const Hdf5Session session;
  const Hdf5Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose);
  for (const char* name : {"payload", "offset", "label", "width", "height", "codec", "xxh3", "sample_id",
                           "source", "source_offset", "source_xxh3", "classes"}) {
    const Hdf5Handle dataset(H5Dopen2(file.get(), name, H5P_DEFAULT), H5Dclose);
    ASSERT_GE(dataset.get(), 0) << name;
    const Hdf5Handle creation(H5Dget_create_plist(dataset.get()), H5Pclose);
    EXPECT_EQ(H5Pget_layout(creation.get()), H5D_CONTIGUOUS) << name;
    hbool_t times = true;
    H5Pget_obj_track_times(creation.get(), &times);
    EXPECT_FALSE(times) << name;
  }
}

TEST(ShardWriter, SecondsLaterTheBytesAreTheSame) {
  const TemporaryDirectory tmp;
  fs::create_directories(tmp.path() / "a");
  fs::create_directories(tmp.path() / "b");
  const std::string first = read_text_file(write_shard(tmp.path() / "a", 5000));
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));  // the resolution of HDF5's time stamps
  EXPECT_EQ(read_text_file(write_shard(tmp.path() / "b", 5000)), first);
}

TEST(ShardWriter, UnwritableDirectory) {
  const TemporaryDirectory tmp;
  EXPECT_THAT(message_of<DataError>([&] { write_shard(tmp.path() / "missing", 10); }),
              ::testing::HasSubstr("No such file"));
}

TEST(ShardWriter, PayloadMustBeWhole) {
  const TemporaryDirectory tmp;
  ShardWriter writer(tmp.path(), {}, {"a", "b"}, rows_with_payload(10));
  writer.append(std::vector<std::byte>(9));
  EXPECT_THROW(static_cast<void>(writer.finish()), std::logic_error);
  EXPECT_THROW(writer.append(std::vector<std::byte>(2)), std::logic_error);
}

}  // namespace
}  // namespace ft::testing
