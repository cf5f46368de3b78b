#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ft/base/error.h"
#include "ft/base/file.h"
#include "ft/report/log.h"

#include "temporary_directory.h"

namespace ft {
namespace {

using testing::HasSubstr;

TEST(Log, Rank0SpeaksOnStderrOthersDoNot) {
  testing::internal::CaptureStderr();
  make_log(0)->warn("slow disk");
  make_log(3)->warn("not heard");
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_THAT(text, HasSubstr("warning: slow disk\n"));
  EXPECT_THAT(text, testing::Not(HasSubstr("not heard")));
}

TEST(Log, EveryRankWritesItsFileAtOnce) {
  const TemporaryDirectory dir;
  const auto file = dir.path() / "logs" / "rank-0003.log";
  const Log log = make_log(3);
  attach_file(log, file);
  log->info("step {}", 7);
  EXPECT_THAT(read_text_file(file), HasSubstr("info: step 7\n"));
  log->info("step {}", 8);
  EXPECT_THAT(read_text_file(file), HasSubstr("info: step 8\n"));
}

TEST(Log, AFileThatCannotBeOpenedIsADataError) {
  const Log log = make_log(3);
  try {
    attach_file(log, "/dev/null/rank-0003.log");
    FAIL() << "no error";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("/dev/null/rank-0003.log"));
  }
}

}  // namespace
}  // namespace ft
