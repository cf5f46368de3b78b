#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ft/base/error.h"
#include "ft/base/host.h"
#include "ft/comm/agreement.h"
#include "ft/comm/backends.h"

#include "scripted_communicator.h"

namespace ft {
namespace {

using testing::HasSubstr;

// What a rank sends when `action` fails there: recorded from this rank's own message.
std::string message_of(const std::function<void()>& action) {
  ScriptedCommunicator recorder({});
  EXPECT_THROW(agree(recorder, "recording", action), Error);
  return recorder.last_sent();
}

Error error_of(Communicator& communicator, const std::function<void()>& action) {
  try {
    agree(communicator, "opening data", action);
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "agreed that all went well";
  return {ExitCode::kDone, ""};
}

void succeed() {}
void fail_on_data() {
  throw DataError("no such file: a.h5", "pack it first");
}

TEST(Agree, IsSilentWhenItWorkedForAll) {
  ScriptedCommunicator world({"", ""});
  EXPECT_NO_THROW(agree(world, "opening data", succeed));
  EXPECT_EQ(world.last_what(), "opening data");
}

TEST(Agree, PassesOnTheErrorOfAnotherRank) {
  ScriptedCommunicator world({"", message_of(fail_on_data)});
  const auto error = error_of(world, succeed);
  EXPECT_EQ(error.code(), ExitCode::kData);
  EXPECT_EQ(error.what(), "rank 2 (" + host_name() + "): no such file: a.h5");
  EXPECT_EQ(error.hint(), "pack it first");
}

TEST(Agree, NamesNoRankWhenAllFailed) {
  ScriptedCommunicator world({message_of(fail_on_data)});
  EXPECT_STREQ(error_of(world, fail_on_data).what(), "no such file: a.h5");
}

TEST(Agree, TakesTheLowestRanksErrorAndNamesAll) {
  const auto usage = message_of([] { throw UsageError("bad key"); });
  ScriptedCommunicator world({usage, "", message_of(fail_on_data)});
  const auto error = error_of(world, succeed);
  EXPECT_EQ(error.code(), ExitCode::kUsage);
  EXPECT_EQ(error.what(), "ranks 1, 3 (" + host_name() + "): bad key");
}

TEST(Agree, NamesAFewOfMany) {
  std::vector<std::string> others(100, message_of(fail_on_data));
  others.push_back("");
  ScriptedCommunicator world(others);
  EXPECT_THAT(error_of(world, succeed).what(), HasSubstr("ranks 1, 2, 3, 4, 5, 6, 7, 8 and 92 more ("));
}

TEST(Agree, CallsAForeignExceptionABug) {
  ScriptedCommunicator world({});
  const auto error = error_of(world, [] { throw std::runtime_error("vector::at"); });
  EXPECT_EQ(error.code(), ExitCode::kBug);
  EXPECT_STREQ(error.what(), "vector::at");
}

TEST(Agree, CarriesAnyTextUnchanged) {
  const std::string text = "3:key '1:' and a \n line\0 and more";
  ScriptedCommunicator world({"", message_of([&] { throw DataError(text); })});
  EXPECT_THAT(error_of(world, succeed).what(), HasSubstr(text));
}

TEST(Agree, KeepsItsOwnErrorWhenThePeersAreGone) {
  ScriptedCommunicator world({""});
  world.fail_next_gather(PeerError("rank 1 is gone"));
  EXPECT_STREQ(error_of(world, fail_on_data).what(), "no such file: a.h5");
}

TEST(Agree, SaysThatThePeersAreGone) {
  ScriptedCommunicator world({""});
  world.fail_next_gather(PeerError("rank 1 is gone"));
  EXPECT_STREQ(error_of(world, succeed).what(), "rank 1 is gone");
}

TEST(Agree, RefusesARecordOfAnotherBuild) {
  ScriptedCommunicator world({"99:short"});
  EXPECT_THROW(agree(world, "opening data", succeed), PeerError);
}

TEST(Agree, WorksInAWorldOfOne) {
  const auto world = make_single_communicator();
  EXPECT_NO_THROW(agree(*world, "opening data", succeed));
  EXPECT_THROW(agree(*world, "opening data", fail_on_data), Error);
}

}  // namespace
}  // namespace ft
