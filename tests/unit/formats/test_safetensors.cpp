#include <algorithm>
#include <array>
#include <span>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ft/base/error.h"
#include "ft/base/file.h"
#include "ft/model/formats/safetensors.h"

#include "format_files.h"
#include "temporary_directory.h"

namespace ft {
namespace {

using test::refusal;
using test::write_bytes;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string with_header(std::string_view header, std::size_t data_size) {
  return test::little_endian(std::uint64_t{header.size()}) + std::string(header) +
         std::string(data_size, '\1');
}

class Safetensors : public ::testing::Test {
 protected:
  std::string refuse(std::string_view header, std::size_t data_size) {
    write_bytes(path_, with_header(header, data_size));
    return refusal(path_);
  }

  TemporaryDirectory directory_;
  std::filesystem::path path_ = directory_.path() / "w.safetensors";
};

TEST_F(Safetensors, GivesBackWhatWasWritten) {
  const std::array<float, 6> weight{1, 2, 3, 4, 5, 6};
  const std::array<std::int64_t, 1> count{-7};
  const std::vector<TensorToWrite> tensors = {
      {"z.weight", ElementType::kFloat32, {2, 3}, std::as_bytes(std::span(weight))},
      {"a.count", ElementType::kInt64, {}, std::as_bytes(std::span(count))},
      {"m.empty", ElementType::kUInt8, {0}, {}},
  };
  const std::map<std::string, std::string> metadata = {{"classes", R"(["ä","b\"c"])"}, {"arch", "resnet18"}};
  write_safetensors(path_, tensors, metadata);

  const TensorFile file = read_tensor_file(path_);
  EXPECT_EQ(file.metadata, metadata);
  ASSERT_EQ(file.tensors.size(), 3U);
  EXPECT_EQ(file.tensors[0].name, "z.weight");
  EXPECT_EQ(file.tensors[1].name, "a.count");
  EXPECT_THAT(file.find("z.weight")->shape, ElementsAre(2, 3));
  EXPECT_THAT(file.find("z.weight")->strides, ElementsAre(3, 1));
  EXPECT_TRUE(std::ranges::equal(file.find("z.weight")->bytes, std::as_bytes(std::span(weight))));
  EXPECT_TRUE(std::ranges::equal(file.find("a.count")->bytes, std::as_bytes(std::span(count))));
}

TEST_F(Safetensors, BytesDependOnTheArgumentsAlone) {
  const std::array<std::byte, 3> bytes{};
  const std::vector<TensorToWrite> tensors = {{"w", ElementType::kInt8, {3}, bytes}};
  write_safetensors(path_, tensors, {{"b", "2"}, {"a", "1"}});
  const std::string first = read_text_file(path_);
  write_safetensors(path_, tensors, {{"a", "1"}, {"b", "2"}});
  EXPECT_EQ(read_text_file(path_), first);
  EXPECT_EQ((first.size() - bytes.size()) % 8, 0U) << "the data must start aligned";
  EXPECT_THAT(first.substr(8),
              ::testing::StartsWith(R"({"__metadata__":{"a":"1","b":"2"},"w":{"dtype":"I8","shape":[3],)"
                                    R"("data_offsets":[0,3]}})"));
}

TEST_F(Safetensors, SavesMetadataThatIsNotUtf8) {
  write_safetensors(path_, {}, {{"classes", "caf\xe9"}});
  EXPECT_EQ(read_tensor_file(path_).metadata.at("classes"), "caf\xef\xbf\xbd");
}

TEST_F(Safetensors, LeavesNothingBehindWhenItCannotWrite) {
  const auto inside_a_file = path_ / "w.safetensors";
  write_bytes(path_, "in the way");
  EXPECT_THROW(write_safetensors(inside_a_file, {}, {}), DataError);
  EXPECT_EQ(read_text_file(path_), "in the way");
}

TEST_F(Safetensors, RefusesATensorWhoseBytesDisagreeWithItsShape) {
  const std::array<std::byte, 3> bytes{};
  const std::vector<TensorToWrite> tensors = {{"w", ElementType::kFloat32, {1}, bytes}};
  EXPECT_THROW(write_safetensors(path_, tensors, {}), Error);
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(Safetensors, RefusesHolesOverlapsAndWrongSizes) {
  const auto two = [&](std::string_view offsets) {
    std::string header = R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)"
                         R"("b":{"dtype":"U8","shape":[4],"data_offsets":[)";
    return header.append(offsets) + "]}}";
  };
  write_bytes(path_, with_header(two("4,8"), 8));
  EXPECT_EQ(read_tensor_file(path_).tensors.size(), 2U);
  EXPECT_THAT(refuse(two("5,9"), 9), HasSubstr("'b' begins at data byte 5"));
  EXPECT_THAT(refuse(two("2,6"), 8), HasSubstr("'b' begins at data byte 2"));
  EXPECT_THAT(refuse(two("4,7"), 7), HasSubstr("'b' of the safetensors header: its shape and its bytes"));
  EXPECT_THAT(refuse(two("4,8"), 9), HasSubstr("1 bytes follow"));
  EXPECT_THAT(refuse(two("4,8"), 7), HasSubstr("only 3 are left"));
}

TEST_F(Safetensors, RefusesMalformedHeaders) {
  EXPECT_THAT(refuse(R"({"a":)", 0), HasSubstr("not JSON"));
  EXPECT_THAT(refuse(R"({"a":{"dtype":"F4","shape":[],"data_offsets":[0,4]}})", 4), HasSubstr("'F4'"));
  EXPECT_THAT(refuse(R"({"a":{"dtype":"U8","shape":[-4],"data_offsets":[0,4]}})", 4),
              HasSubstr("lacks dtype"));
  EXPECT_THAT(refuse(R"({"a":{"dtype":"U8","shape":[1.5],"data_offsets":[0,1]}})", 1),
              HasSubstr("lacks dtype"));
  EXPECT_THAT(refuse(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0]}})", 1), HasSubstr("lacks dtype"));
  EXPECT_THAT(refuse(R"({"a":3})", 1), HasSubstr("lacks dtype"));
  EXPECT_THAT(refuse(R"({"__metadata__":{"n":1}})", 0), HasSubstr("metadata 'n'"));
  EXPECT_THAT(refuse("{\"a\":" + std::string(100'000, '['), 0), HasSubstr("nested"));
  EXPECT_THAT(refuse(R"({"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", 0),
              HasSubstr("its shape and its bytes disagree"));
}

TEST_F(Safetensors, AFileCutAnywhereIsADataError) {
  const std::array<float, 2> weight{1, 2};
  write_safetensors(
      path_, std::array{TensorToWrite{"w", ElementType::kFloat32, {2}, std::as_bytes(std::span(weight))}},
      {});
  const std::string whole = read_text_file(path_);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    write_bytes(path_, std::string_view(whole).substr(0, size));
    EXPECT_THAT(refusal(path_), ::testing::Not(IsEmpty())) << size;
  }
}

}  // namespace
}  // namespace ft
