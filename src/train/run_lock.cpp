#include "ft/train/run_lock.h"

#include <string>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include "ft/base/error.h"
#include "ft/base/host.h"
#include "ft/report/metrics_log.h"

namespace ft {
namespace {

constexpr mode_t kFileMode = 0644;

// Who started last, by the run's own record.
struct Holder {
  std::string host;
  std::string process = "another process";
};

Holder last_starter(const std::filesystem::path& metrics) {
  Holder holder{host_name()};
  for (const auto& line : read_metrics(metrics)) {
    if (line.value("type", "") != "start" || !line.contains("hosts") || line["hosts"].empty()) continue;
    holder.host = line["hosts"][0].get<std::string>();
    holder.process = fmt::format("process {}", line.value("pid", 0));
  }
  return holder;
}

}  // namespace

RunLock::RunLock(const std::filesystem::path& metrics)
    : fd_(::open(metrics.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kFileMode)) {
  if (!fd_) throw_errno("open", metrics.string());
  if (::flock(fd_.get(), LOCK_EX | LOCK_NB) == 0) return;
  const Holder holder = last_starter(metrics);
  if (holder.host != host_name()) return;
  throw UsageError(fmt::format("run.dir {} is in use by {}", metrics.parent_path().string(), holder.process),
                   "wait for it, stop it (touch STOP there), or choose another run.dir");
}

}  // namespace ft
