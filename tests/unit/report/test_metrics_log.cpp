#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "ft/base/error.h"
#include "ft/base/file.h"
#include "ft/report/metrics_log.h"

#include "temporary_directory.h"

namespace ft {
namespace {

using Json = nlohmann::ordered_json;
using testing::HasSubstr;

class MetricsLogTest : public testing::Test {
 protected:
  void given(const std::string& text) const { std::ofstream(file_, std::ios::binary) << text; }
  [[nodiscard]] std::string content() const { return read_text_file(file_); }

  TemporaryDirectory dir_;
  std::filesystem::path file_ = dir_.path() / "metrics.jsonl";
};

TEST_F(MetricsLogTest, LinesComeBackInOrderWithTheirKeysInOrder) {
  MetricsLog log(file_);
  log.append({{"type", "step"}, {"loss", 0.5}, {"epoch", 1}});
  log.append({{"type", "end"}});
  EXPECT_EQ(content(), "{\"type\":\"step\",\"loss\":0.5,\"epoch\":1}\n{\"type\":\"end\"}\n");
  const auto lines = read_metrics(file_);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0]["epoch"], 1);
}

TEST_F(MetricsLogTest, NoFileIsNoLines) {
  EXPECT_TRUE(read_metrics(file_).empty());
}

TEST_F(MetricsLogTest, ReopeningAppends) {
  MetricsLog(file_).append({{"a", 1}});
  MetricsLog(file_).append({{"a", 2}});
  EXPECT_EQ(content(), "{\"a\":1}\n{\"a\":2}\n");
}

TEST_F(MetricsLogTest, ATornLastLineIsCut) {
  for (const std::string tail : {"{\"a\":", "{\"a\":2}", "{\"a\":\n"}) {
    given("{\"a\":1}\n" + tail);
    EXPECT_EQ(read_metrics(file_).size(), 1U) << tail;
    MetricsLog(file_).append({{"a", 3}});
    EXPECT_EQ(content(), "{\"a\":1}\n{\"a\":3}\n") << tail;
  }
}

TEST_F(MetricsLogTest, ATornOnlyLineLeavesAnEmptyFile) {
  given("{\"a\"");
  EXPECT_TRUE(read_metrics(file_).empty());
  const MetricsLog log(file_);
  EXPECT_EQ(content(), "");
}

TEST_F(MetricsLogTest, BlocksThatNeverReachedTheDiskAreCut) {
  given("{\"a\":1}\n" + std::string(100, '\0'));
  EXPECT_EQ(read_metrics(file_).size(), 1U);
  const MetricsLog log(file_);
  EXPECT_EQ(content(), "{\"a\":1}\n");
}

TEST_F(MetricsLogTest, ABadLineInTheMiddleIsNamed) {
  given("{\"a\":1}\nnonsense\n{\"a\":3}\n");
  try {
    (void)read_metrics(file_);
    FAIL() << "no error";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("metrics.jsonl:2: "));
  }
}

TEST_F(MetricsLogTest, BytesThatAreNoUtf8AreReplaced) {
  MetricsLog(file_).append({{"class", "caf\xe9"}});
  EXPECT_EQ(read_metrics(file_)[0]["class"], "caf\xef\xbf\xbd");
}

// Stands in for a full disk: writes beyond the limit are short, then fail.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : old_handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &old_limit_);
    const rlimit limit = {bytes, old_limit_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &old_limit_);
    std::signal(SIGXFSZ, old_handler_);
  }

 private:
  rlimit old_limit_{};
  void (*old_handler_)(int);
};

TEST_F(MetricsLogTest, ALineThatDoesNotFitLeavesNothingBehind) {
  MetricsLog log(file_);
  log.append({{"a", 1}});
  {
    const FileSizeLimit limit(12);
    EXPECT_THROW(log.append({{"a", 22222222}}), DataError);
  }
  EXPECT_EQ(content(), "{\"a\":1}\n");
  log.append({{"a", 3}});
  EXPECT_EQ(content(), "{\"a\":1}\n{\"a\":3}\n");
}

}  // namespace
}  // namespace ft
