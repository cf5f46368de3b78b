// metrics.jsonl: the truth of a run, one JSON object a line, append-only, line by line durable against a
// crash of the process. A torn last line (a crash of the machine) is cut at the next start.
#pragma once

#include <filesystem>
#include <vector>

#include <nlohmann/json.hpp>

#include "ft/base/file.h"

namespace ft {

class MetricsLog {
 public:
  // Opens or creates, cutting a torn last line. Throws DataError.
  explicit MetricsLog(const std::filesystem::path& file);
  // One write(2) a line. DataError on a full disk; then the line is cut again.
  void append(const nlohmann::ordered_json& object);

 private:
  std::filesystem::path path_;
  UniqueFd fd_;
};

// Every whole line, in order. Empty when the file is not there. A bad last line is left out: a crash made it.
// DataError for any other bad line.
[[nodiscard]] std::vector<nlohmann::ordered_json> read_metrics(const std::filesystem::path& file);

}  // namespace ft
