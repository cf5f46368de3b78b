#include "ft/report/log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>

#include "ft/base/error.h"

namespace ft {
namespace {

constexpr const char* kTerminalPattern = "%H:%M:%S %^%l%$: %v";
constexpr const char* kFilePattern = "%Y-%m-%d %H:%M:%S.%e %l: %v";

}  // namespace

Log make_log(int rank) {
  // Not registered with spdlog: its registry is a global, and two logs in one process would collide in it.
  auto log = std::make_shared<spdlog::logger>("ft");
  if (rank == 0) {
    auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
    sink->set_pattern(kTerminalPattern);
    log->sinks().push_back(std::move(sink));
  }
  // Every line matters when a process is killed, and lines are few.
  log->flush_on(spdlog::level::trace);
  return log;
}

void attach_file(const Log& log, const std::filesystem::path& file) {
  try {
    auto sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(file.string());
    sink->set_pattern(kFilePattern);
    log->sinks().push_back(std::move(sink));
  } catch (const spdlog::spdlog_ex& error) {
    throw DataError(file.string() + ": cannot write the log: " + error.what());
  }
}

void log_to_file(const Log& log, const std::string& text) noexcept {
  try {
    for (const auto& sink : log->sinks()) {
      if (std::dynamic_pointer_cast<spdlog::sinks::basic_file_sink_mt>(sink) == nullptr) continue;
      sink->log(spdlog::details::log_msg(log->name(), spdlog::level::err, text));
      sink->flush();
    }
  } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): see the header
  }
}

}  // namespace ft
