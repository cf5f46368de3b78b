#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ft/base/cores.h"

namespace ft {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Cores, ListsAreReadAsTheyAreWritten) {
  const std::vector<int> cores{0, 1, 2, 5, 8, 9};
  EXPECT_EQ(format_core_list(cores), "0-2,5,8-9");
  EXPECT_EQ(parse_core_list("0-2,5,8-9"), cores);
  EXPECT_THAT(parse_core_list(""), IsEmpty());
  EXPECT_THAT(parse_core_list("7"), ElementsAre(7));
  EXPECT_THAT(parse_core_list("4,x"), ElementsAre(4));
}

class NumaNodes : public testing::Test {
 protected:
  // Tests run side by side.
  NumaNodes()
      : root_(std::filesystem::path(testing::TempDir()) /
              (std::string("numa_") + testing::UnitTest::GetInstance()->current_test_info()->name())) {
    std::filesystem::remove_all(root_);
    add("node0", "0-3");
    add("node1", "4-7");
    add("node10", "8");
    std::filesystem::create_directories(root_ / "power");
  }
  ~NumaNodes() override { std::filesystem::remove_all(root_); }
  void add(const std::string& node, const std::string& cores) const {
    std::filesystem::create_directories(root_ / node);
    std::ofstream(root_ / node / "cpulist") << cores << '\n';
  }
  std::filesystem::path root_;
};

TEST_F(NumaNodes, AreThoseThatHoldAnyOfTheCores) {
  EXPECT_THAT(numa_nodes({0, 1}, root_), ElementsAre(0));
  EXPECT_THAT(numa_nodes({3, 4, 8}, root_), ElementsAre(0, 1, 10));
}

TEST_F(NumaNodes, AreNoneWhereTheKernelDoesNotSay) {
  EXPECT_THAT(numa_nodes({0}, root_ / "missing"), IsEmpty());
}

}  // namespace
}  // namespace ft
