#include <gtest/gtest.h>

#include "ft/comm/overlap_meter.h"

namespace ft {
namespace {

OverlapMeter::Moment at(int seconds) {
  return OverlapMeter::Moment(std::chrono::seconds(seconds));
}

TEST(OverlapMeter, CountsTimeOnceHoweverManyAreUnderWay) {
  OverlapMeter meter;
  meter.started(at(1));
  meter.started(at(2));
  meter.ended(at(4));
  meter.ended(at(6));
  EXPECT_DOUBLE_EQ(meter.busy_seconds(at(9)), 5);
}

TEST(OverlapMeter, LeavesOutGapsAndIncludesWhatIsStillUnderWay) {
  OverlapMeter meter;
  EXPECT_EQ(meter.busy_seconds(at(1)), 0);
  meter.started(at(1));
  meter.ended(at(2));
  meter.started(at(10));
  EXPECT_DOUBLE_EQ(meter.busy_seconds(at(13)), 4);
}

}  // namespace
}  // namespace ft
