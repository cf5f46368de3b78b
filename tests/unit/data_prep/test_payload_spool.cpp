// Payloads that wait in spools.
#include <algorithm>
#include <filesystem>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

#include "payload_spool.h"
#include "temporary_directory.h"

namespace ft::testing {
namespace {

std::size_t open_files() {
  const std::filesystem::directory_iterator files("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(files), end(files)));
}

TEST(SpoolReader, KeepsFewOfManyFilesOpen) {
  constexpr std::uint32_t kSpools = 300;
  const TemporaryDirectory directory;
  for (std::uint32_t number = 0; number < kSpools; ++number) {
    SpoolWriter writer(directory.path(), number);
    const std::string text = std::to_string(number);
    EXPECT_EQ(writer.append(std::as_bytes(std::span(text))), 0U);
  }
  const SpoolReader reader(directory.path());
  const std::size_t before = open_files();
  for (int pass = 0; pass < 2; ++pass) {
    for (std::uint32_t number = 0; number < kSpools; ++number) {
      std::string text(std::to_string(number).size(), ' ');
      reader.read(number, 0, std::as_writable_bytes(std::span(text)));
      EXPECT_EQ(text, std::to_string(number));
    }
  }
  EXPECT_LE(open_files(), before + 64);
}

}  // namespace
}  // namespace ft::testing
