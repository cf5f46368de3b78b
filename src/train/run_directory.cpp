#include "ft/train/run_directory.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

#include "ft/base/error.h"
#include "ft/base/file.h"
#include "ft/train/checkpoint.h"

namespace ft {
namespace {

bool is_ours(std::string_view name) {
  constexpr std::array<std::string_view, 10> kNames{
      ".lock",       "config.yaml",       "metrics.jsonl", "tensorboard",      "logs",
      "checkpoints", "final.safetensors", "report.html",   "best.safetensors", "STOP"};
  if (std::find(kNames.begin(), kNames.end(), name) != kNames.end()) return true;
  // A crash may leave a file in the making; a batch job may write its output here.
  return name.find(".tmp") != std::string_view::npos || name.starts_with("slurm-");
}

bool written_by_us(const std::filesystem::path& config) {
  return read_text_file(config).starts_with(kResolvedConfigHeader);
}

}  // namespace

std::filesystem::path RunDirectory::rank_log(int rank) const {
  return logs() / fmt::format("rank-{:04}.log", rank);
}

std::vector<std::string> RunDirectory::foreign_entries() const {
  std::vector<std::string> foreign;
  std::error_code error;
  if (!std::filesystem::exists(root_, error)) return foreign;
  if (!std::filesystem::is_directory(root_, error)) return {root_.filename().string()};
  std::filesystem::directory_iterator entries(root_, error);
  if (error) throw DataError(fmt::format("cannot read {}: {}", root_.string(), error.message()));
  for (const auto& entry : entries) {
    const std::string name = entry.path().filename().string();
    const bool users_config = name == config().filename() && !holds_run() && !written_by_us(config());
    if (!is_ours(name) || users_config) foreign.push_back(name);
  }
  std::sort(foreign.begin(), foreign.end());
  return foreign;
}

bool RunDirectory::holds_run() const {
  std::error_code error;
  // Checkpoints are worth most: they alone make a run, also when its metrics are lost.
  if (!list_checkpoints(checkpoints()).empty()) return true;
  return std::filesystem::exists(config(), error) && std::filesystem::exists(metrics(), error);
}

void RunDirectory::create() const {
  for (const auto& directory : {root_, logs(), checkpoints()}) {
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    if (error) throw DataError(fmt::format("cannot create {}: {}", directory.string(), error.message()));
  }
}

}  // namespace ft
