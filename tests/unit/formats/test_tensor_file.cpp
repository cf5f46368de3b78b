#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ft/base/error.h"
#include "ft/model/formats/tensor_file.h"

#include "format_files.h"
#include "temporary_directory.h"

namespace ft {
namespace {

using ::testing::HasSubstr;

TEST(TensorFile, SaysWhatAFileIsInstead) {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "weights.pth";
  const auto refuse = [&](std::string_view bytes) {
    test::write_bytes(path, bytes);
    return test::refusal(path);
  };
  EXPECT_THAT(refuse(""), HasSubstr("empty"));
  EXPECT_THAT(refuse("\n<!DOCTYPE html><html>404</html>"), HasSubstr("HTML"));
  EXPECT_THAT(refuse("version https://git-lfs.github.com/spec/v1\n"), HasSubstr("git lfs pull"));
  EXPECT_THAT(refuse("\x89HDF\r\n\x1a\n and so on"), HasSubstr("HDF5"));
  EXPECT_THAT(refuse("\x1f\x8b\x08"), HasSubstr("gzip"));
  EXPECT_THAT(refuse(std::string(257, 'x') + "ustar"), HasSubstr("tar archive"));
  EXPECT_THAT(refuse("hello, world"), HasSubstr("unknown kind"));
}

TEST(TensorFile, NamesAFileThatIsNotThere) {
  const TemporaryDirectory directory;
  EXPECT_THAT(test::refusal(directory.path() / "gone.pth"), HasSubstr("gone.pth"));
  EXPECT_THAT(test::refusal(directory.path()), HasSubstr("a directory"));
}

TEST(TensorFile, KnowsContiguousFromStrided) {
  TensorRecord record{
      .name = "w", .type = ElementType::kFloat32, .shape = {2, 3}, .strides = {3, 1}, .bytes = {}};
  EXPECT_TRUE(record.contiguous());
  record.strides = {1, 2};
  EXPECT_FALSE(record.contiguous());
  record.shape = {1, 3};
  record.strides = {99, 1};
  EXPECT_TRUE(record.contiguous()) << "the stride of a single row means nothing";
  record.shape = {0, 3};
  record.strides = {1, 7};
  EXPECT_TRUE(record.contiguous());
}

TEST(TensorFile, KnowsItsElementTypes) {
  EXPECT_EQ(element_size(ElementType::kBFloat16), 2U);
  EXPECT_STREQ(element_name(ElementType::kBFloat16), "BF16");
  EXPECT_EQ(element_size(ElementType::kBool), 1U);
  EXPECT_STREQ(element_name(ElementType::kBool), "BOOL");
}

}  // namespace
}  // namespace ft
