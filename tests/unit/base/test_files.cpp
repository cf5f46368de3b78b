#include <array>
#include <filesystem>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ft/base/atomic_write.h"
#include "ft/base/cores.h"
#include "ft/base/error.h"
#include "ft/base/file.h"
#include "ft/base/hash.h"

namespace ft {
namespace {

namespace fs = std::filesystem;

class Files : public ::testing::Test {
 protected:
  Files() : directory_(fs::temp_directory_path() / ("ft_files_" + std::to_string(::getpid()))) {
    fs::create_directories(directory_);
  }
  ~Files() override { fs::remove_all(directory_); }
  [[nodiscard]] std::size_t entries() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(directory_), fs::directory_iterator()));
  }
  fs::path directory_;
};

TEST_F(Files, AtomicFileAppearsOnlyOnCommit) {
  const fs::path target = directory_ / "a.txt";
  write_file_atomically(target, "old");
  {
    AtomicFile file(target);
    file.write("half of the n");
    EXPECT_EQ(read_text_file(target), "old");
  }
  EXPECT_EQ(read_text_file(target), "old");
  EXPECT_EQ(entries(), 1U) << "the temporary file was left behind";
  write_file_atomically(target, "new");
  EXPECT_EQ(read_text_file(target), "new");
}

TEST_F(Files, ALinkStaysAndWhatItLeadsToIsReplaced) {
  fs::create_directory(directory_ / "far");
  fs::create_symlink(directory_ / "far" / "a.txt", directory_ / "link");
  write_file_atomically(directory_ / "link", "through a link that leads nowhere yet");
  write_file_atomically(directory_ / "link", "new");
  EXPECT_TRUE(fs::is_symlink(directory_ / "link"));
  EXPECT_EQ(read_text_file(directory_ / "far" / "a.txt"), "new");
}

TEST_F(Files, WhatIsNoPlainFileIsWrittenToAndStays) {
  const fs::path pipe = directory_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const UniqueFd reader(::open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  write_file_atomically(pipe, "to a pipe");
  std::array<char, 32> text{};
  EXPECT_EQ(::read(reader.get(), text.data(), text.size()), 9);
  EXPECT_STREQ(text.data(), "to a pipe");
  EXPECT_TRUE(fs::is_fifo(pipe));
  write_file_atomically("/dev/null", "nowhere");
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  EXPECT_EQ(entries(), 1U);
}

TEST_F(Files, AtomicDirectoryAppearsOnlyOnCommit) {
  const fs::path target = directory_ / "step-1";
  {
    const AtomicDirectory abandoned(target);
    write_file_atomically(abandoned.path() / "x", "1");
  }
  EXPECT_EQ(entries(), 0U);
  AtomicDirectory directory(target);
  write_file_atomically(directory.path() / "x", "2");
  EXPECT_FALSE(fs::exists(target));
  directory.commit();
  EXPECT_EQ(read_text_file(target / "x"), "2");
}

TEST_F(Files, ErrorsNameThePath) {
  try {
    (void)read_file(directory_ / "missing");
    FAIL() << "no error";
  } catch (const DataError& error) {
    EXPECT_NE(std::string(error.what()).find("missing: No such file"), std::string::npos) << error.what();
  }
  EXPECT_THROW(AtomicFile(directory_ / "no" / "folder"), DataError);
  EXPECT_THROW((void)read_file(directory_), DataError);
}

TEST_F(Files, AFullDeviceIsAnErrorWithAHint) {
  const UniqueFd full = UniqueFd(::open("/dev/full", 1));
  ASSERT_TRUE(full);
  const std::string text = "x";
  try {
    write_all(full.get(), std::as_bytes(std::span(text)), "/dev/full");
    FAIL() << "no error";
  } catch (const DataError& error) {
    EXPECT_NE(std::string(error.what()).find("No space left"), std::string::npos);
    EXPECT_FALSE(error.hint().empty());
  }
}

TEST_F(Files, ShortFilesAreNamedWithTheMissingBytes) {
  const fs::path file = directory_ / "short";
  write_file_atomically(file, "12345");
  const UniqueFd fd = open_for_reading(file);
  std::vector<std::byte> buffer(10);
  EXPECT_THROW(pread_exact(fd.get(), buffer, 0, file), DataError);
  const MappedFile mapped(file);
  EXPECT_EQ(mapped.bytes().size(), 5U);
}

TEST_F(Files, HashesMatchTheirReferenceTools) {
  const fs::path file = directory_ / "abc";
  write_file_atomically(file, "abc");
  const std::string abc = "abc";
  EXPECT_EQ(xxh3_64(std::as_bytes(std::span(abc))), 0x78af5f94892f3950U);  // xxhsum -H3
  EXPECT_EQ(xxh3_128_of("abc"), "06b05ab6733a618578af5f94892f3950");       // xxhsum -H128
  EXPECT_EQ(xxh3_128_of_file(file), xxh3_128_of("abc"));
  Sha256 sha;
  sha.update(std::as_bytes(std::span(abc)));
  EXPECT_EQ(sha.hex_digest(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");  // FIPS 180-4
}

TEST(Cores, BudgetSharesOverlappingMasks) {
  EXPECT_EQ(core_budget({0, 1}, {{0, 1}}), 2);
  EXPECT_EQ(core_budget({0, 1}, {{0, 1}, {0, 1}}), 1);
  EXPECT_EQ(core_budget({0, 1, 2}, {{0, 1, 2}, {0, 1, 2}, {0, 1, 2}}), 1);
  EXPECT_EQ(core_budget({0, 1}, {{0, 1}, {2, 3}}), 2);
  EXPECT_EQ(core_budget({0}, {{0}, {0}, {0}}), 1);
  EXPECT_EQ(format_core_list({0, 1, 2, 3, 8}), "0-3,8");
  EXPECT_FALSE(allowed_cores().empty());
}

}  // namespace
}  // namespace ft
