#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ft/base/error.h"

#include "class_selection.h"
#include "utf8_name.h"

namespace ft {
namespace {

using ::testing::ElementsAre;

TEST(ToUtf8, KeepsWhatIsValid) {
  for (const char* name : {"", "plain", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x90\x9D", "back\\slash"}) {
    EXPECT_EQ(to_utf8(name), name);
    EXPECT_TRUE(is_utf8(name));
  }
}

TEST(ToUtf8, SpellsOutTheRest) {
  EXPECT_EQ(to_utf8("a\xFF z"), "a\\xff z");
  EXPECT_EQ(to_utf8("a\nb\x1B[31m\x7F"), "a\\x0ab\\x1b[31m\\x7f");
  EXPECT_EQ(to_utf8("\xC3"), "\\xc3");                           // cut short
  EXPECT_EQ(to_utf8("\xC0\x80"), "\\xc0\\x80");                  // overlong
  EXPECT_EQ(to_utf8("\xED\xA0\x80"), "\\xed\\xa0\\x80");         // a surrogate
  EXPECT_EQ(to_utf8("\xF4\x90\x80\x80").substr(0, 4), "\\xf4");  // above U+10FFFF
}

TEST(NearestName, ByEditDistanceIgnoringCase) {
  EXPECT_EQ(nearest_name("Hotdog", {"not_hot_dog", "hot_dog"}), "hot_dog");
  EXPECT_EQ(nearest_name("BEES", {"ants", "bees"}), "bees");
}

TEST(SelectClasses, AscendingAndOnce) {
  EXPECT_THAT(select_classes({"a", "b", "c"}, {}, {}), ElementsAre(0, 1, 2));
  EXPECT_THAT(select_classes({"a", "b", "c"}, {}, {"c", "a", "c"}), ElementsAre(0, 2));
  EXPECT_THAT(select_classes({"a", "b", "c"}, {"0", "1", "2"}, {"2", "a"}), ElementsAre(0, 2));
  EXPECT_THAT(select_classes({"1", "0"}, {"0", "1"}, {"0", "1"}), ElementsAre(0, 1));  // names come first
  EXPECT_THROW(static_cast<void>(select_classes({"a", "b"}, {}, {"a", "0"})), UsageError);
  EXPECT_THROW(static_cast<void>(select_classes({"a", "b"}, {}, {"a"})), UsageError);
}

}  // namespace
}  // namespace ft
