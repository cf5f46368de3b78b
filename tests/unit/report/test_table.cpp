#include <cstdint>
#include <limits>

#include <gtest/gtest.h>

#include "ft/report/table.h"

namespace ft {
namespace {

TEST(Table, SetsNumbersAndTheirHeadingsToTheRight) {
  Table table({"class", "count"});
  table.add_row({"hot dog", "9"});
  table.add_row({"other", "1,234"});
  EXPECT_EQ(table.to_string(),
            "  class    count\n"
            "  -------  -----\n"
            "  hot dog      9\n"
            "  other    1,234\n");
}

TEST(Table, AlignsByCharactersNotBytes) {
  Table table;
  table.add_row({"crème brûlée", "x"});
  table.add_row({"ice", "y"});
  EXPECT_EQ(table.to_string(0), "crème brûlée  x\nice           y\n");
}

TEST(Table, ACellStaysOnItsLine) {
  Table table({"class"});
  table.add_row({"a\nb\t\x7f"});
  EXPECT_EQ(table.to_string(0), "class\n--------------\na\\x0ab\\x09\\x7f\n");
}

TEST(Table, WordsThatHoldDigitsStayLeft) {
  Table table;
  table.add_row({"a", "rank 3"});
  table.add_row({"b", "1.2 MiB!"});
  table.add_row({"c", "7"});
  EXPECT_EQ(table.to_string(0), "a  rank 3\nb  1.2 MiB!\nc         7\n");
}

TEST(Table, RowsMayBeShorterThanTheHeaderOrLonger) {
  Table table({"a"});
  table.add_row({});
  table.add_row({"1", "2"});
  EXPECT_EQ(table.to_string(0), "a\n-  -\n\n1  2\n");
}

TEST(FormatBytes, PicksTheUnit) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(1023), "1023 B");
  EXPECT_EQ(format_bytes(1024), "1.0 KiB");
  EXPECT_EQ(format_bytes(1258291), "1.2 MiB");
  EXPECT_EQ(format_bytes(std::numeric_limits<std::uint64_t>::max()), "16.0 EiB");
}

TEST(FormatBytes, NeverPrints1024OfAUnit) {
  EXPECT_EQ(format_bytes((1ULL << 20U) - 1), "1.0 MiB");
  EXPECT_EQ(format_bytes((1ULL << 30U) - 1), "1.0 GiB");
}

}  // namespace
}  // namespace ft
