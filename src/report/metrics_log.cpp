#include "ft/report/metrics_log.h"

#include <string>
#include <string_view>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "ft/base/error.h"

#include "append_whole.h"

namespace ft {
namespace {

using Json = nlohmann::ordered_json;

constexpr mode_t kFileMode = 0644;

// Where the last line that can be read ends. At most one line is given up, and whatever follows the last
// newline: more than that is no torn write, and for read_metrics to complain about.
std::size_t end_of_whole_lines(std::string_view text) {
  const std::size_t last_newline = text.rfind('\n');
  if (last_newline == std::string_view::npos) return 0;
  const std::size_t previous =
      last_newline == 0 ? std::string_view::npos : text.rfind('\n', last_newline - 1);
  const std::size_t start = previous == std::string_view::npos ? 0 : previous + 1;
  return Json::accept(text.substr(start, last_newline - start)) ? last_newline + 1 : start;
}

}  // namespace

MetricsLog::MetricsLog(const std::filesystem::path& file)
    : path_(file), fd_(open(file.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, kFileMode)) {
  if (!fd_) throw_errno("open", file.string());
  const std::string text = read_text_file(file);
  const std::size_t whole = end_of_whole_lines(text);
  if (whole != text.size() && ftruncate(fd_.get(), static_cast<off_t>(whole)) != 0) {
    throw_errno("cut the torn last line of", file.string());
  }
}

void MetricsLog::append(const Json& object) {
  // Class names come from directory names, which need not be UTF-8: replace what is not, rather than fail.
  append_whole(fd_.get(), object.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n', path_);
}

std::vector<Json> read_metrics(const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) return {};
  const std::string text = read_text_file(file);
  const std::string_view whole = std::string_view(text).substr(0, end_of_whole_lines(text));
  std::vector<Json> lines;
  for (std::size_t start = 0; start < whole.size();) {
    const std::size_t end = whole.find('\n', start);
    Json line = Json::parse(whole.substr(start, end - start), nullptr, false);
    if (line.is_discarded()) {
      throw DataError(
          fmt::format("{}:{}: not a JSON object", file.string(), lines.size() + 1),
          "only a run's own log belongs there: restore the file, or train into another directory");
    }
    lines.push_back(std::move(line));
    start = end + 1;
  }
  return lines;
}

}  // namespace ft
