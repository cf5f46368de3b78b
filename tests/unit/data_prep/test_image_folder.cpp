#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "image_folder.h"
#include "packing_support.h"

namespace ft::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> sources_of(const InputSet& input) {
  std::vector<std::string> sources;
  for (std::size_t i = 0; i < input.size(); ++i) sources.push_back(input.source(i));
  return sources;
}

class Folder : public ::testing::Test {
 protected:
  void file(const std::string& path, std::string_view text = "x") { write_text(root_ / path, text); }
  [[nodiscard]] std::string error(const std::vector<std::string>& wanted = {}) const {
    return message_of<Error>([&] { const ImageFolder folder(root_, wanted); });
  }

  TemporaryDirectory tmp_;
  fs::path root_ = tmp_.path() / "src";
};

TEST_F(Folder, OrderIsBytewise) {
  for (const char* path :
       {"b/2.jpg", "b/10.jpg", "b/A.jpg", "B/x", "a b/1", "b/deep/er/3.jpg", "b/\xC3\xA9.jpg"}) {
    file(path);
  }
  file("README.md");  // outside any class
  const ImageFolder folder(root_, {});
  EXPECT_THAT(folder.classes(), ElementsAre("B", "a b", "b"));
  EXPECT_THAT(sources_of(folder), ElementsAre("B/x", "a b/1", "b/10.jpg", "b/2.jpg", "b/A.jpg",
                                              "b/deep/er/3.jpg", "b/\xC3\xA9.jpg"));
  EXPECT_EQ(folder.label(0), 0);
  EXPECT_EQ(folder.label(6), 2);
}

TEST_F(Folder, ClassesKeepTheirOrder) {
  for (const char* path : {"ant/1", "bee/1", "cat/1"}) file(path);
  const ImageFolder folder(root_, {"cat", "ant"});
  EXPECT_THAT(folder.classes(), ElementsAre("ant", "cat"));
  EXPECT_THAT(sources_of(folder), ElementsAre("ant/1", "cat/1"));
}

TEST_F(Folder, UnknownClassIsUsage) {
  for (const char* path : {"hot_dog/1", "not_hot_dog/1"}) file(path);
  try {
    const ImageFolder folder(root_, {"hotdog", "not_hot_dog"});
    FAIL() << "accepted";
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), HasSubstr("no class 'hotdog'"));
    EXPECT_EQ(error.hint(), "did you mean 'hot_dog'?");
  }
}

TEST_F(Folder, SaysWhatIsWrongWithTheLayout) {
  EXPECT_THAT(error(), HasSubstr("No such file"));
  file("loose.jpg");
  EXPECT_THAT(error(), HasSubstr("has no class folders"));
  file("one/1.jpg");
  EXPECT_THAT(error(), HasSubstr("has only one class folder, 'one'"));
  fs::create_directories(root_ / "two" / "deep");
  EXPECT_THAT(error(), HasSubstr("two has no files"));
  file("t\xFF/1.jpg");
  EXPECT_THAT(error(), HasSubstr("t\\xff has a name that is not UTF-8"));
}

TEST_F(Folder, LinksAreFollowedOnceRound) {
  file("a/1.jpg");
  write_text(tmp_.path() / "elsewhere" / "2.jpg", "x");
  fs::create_directory_symlink(tmp_.path() / "elsewhere", root_ / "b");
  fs::create_directory_symlink(root_ / "a", root_ / "a" / "loop");
  fs::create_symlink("nowhere", root_ / "a" / "broken");
  const ImageFolder folder(root_, {});
  EXPECT_THAT(sources_of(folder), ElementsAre("a/1.jpg", "a/broken", "b/2.jpg"));
  EXPECT_THAT(message_of<ImportError>([&] { static_cast<void>(load(folder, 1)); }),
              HasSubstr("No such file"));
}

TEST_F(Folder, WhatIsNoPlainFileIsNotRead) {
  file("a/1");
  file("b/empty", "");
  ASSERT_EQ(::mkfifo((root_ / "b" / "pipe").c_str(), 0600), 0);
  const ImageFolder folder(root_, {});
  EXPECT_EQ(message_of<ImportError>([&] { static_cast<void>(load(folder, 1)); }), "empty file");
  EXPECT_EQ(message_of<ImportError>([&] { static_cast<void>(load(folder, 2)); }), "not a plain file");
}

// Of one size and time, which is all that many tools look at.
TEST_F(Folder, TheStampTellsASwapAndARewriting) {
  file("a/1", "one");
  file("b/2", "two");
  const fs::path one = root_ / "a" / "1";
  const fs::path two = root_ / "b" / "2";
  const auto time = fs::last_write_time(one);
  fs::last_write_time(two, time);
  const ImageFolder folder(root_, {});
  const std::uint64_t first = folder.stamp(0);
  const std::uint64_t second = folder.stamp(1);
  EXPECT_EQ(folder.stamp(0), first);

  fs::rename(one, tmp_.path() / "kept");
  fs::rename(two, one);
  fs::rename(tmp_.path() / "kept", two);
  EXPECT_NE(folder.stamp(0), first);
  EXPECT_NE(folder.stamp(1), second);

  const std::uint64_t swapped = folder.stamp(0);
  file("a/1", "six");
  fs::last_write_time(one, time);
  EXPECT_NE(folder.stamp(0), swapped);
}

TEST_F(Folder, NamesThatAreNotUtf8) {
  file("a/\xE9t\xE9.jpg");
  file("b/1");
  EXPECT_EQ(ImageFolder(root_, {}).source(0), "a/\\xe9t\\xe9.jpg");
}

}  // namespace
}  // namespace ft::testing
