#include "ft/train/run_start.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "ft/base/error.h"
#include "ft/config/load.h"
#include "ft/train/checkpoint.h"
#include "ft/train/run_recorder.h"

namespace ft {
namespace {

namespace fs = std::filesystem;

// The checkpoint to start from: `path` is one, or a run directory that holds some.
FoundCheckpoint checkpoint_at(const fs::path& path) {
  if (const auto name = CheckpointName::parse(path.filename().string());
      name && fs::exists(path / "state.json")) {
    if (const auto reason = verify_checkpoint(path)) {
      throw DataError(fmt::format("checkpoint {} does not verify: {}", path.string(), *reason));
    }
    return {path, *name, {}};
  }
  auto found = find_checkpoint(RunDirectory(path).checkpoints());
  if (!found) throw DataError(fmt::format("checkpoint.resume: no checkpoint in {}", path.string()));
  return *found;
}

void require_match(const Config& config, const RunPlan& plan, const fs::path& directory) {
  const Checkpoint checkpoint = load_checkpoint(directory);
  const Config saved = load_config(directory / "config.yaml", {});
  std::vector<std::string> differences = differences_that_matter(saved, config);
  if (checkpoint.facts.value("data", "") != data_identity(plan)) {
    differences.push_back(fmt::format("the packed data ({} there, {} here)",
                                      checkpoint.facts.value("data", ""), data_identity(plan)));
  }
  if (differences.empty()) return;
  throw UsageError(
      fmt::format("{} was trained with other settings: {}", directory.string(), fmt::join(differences, "; ")),
      "choose another run.dir, or the old settings");
}

RunStart resume_from(const Config& config, const RunPlan& plan, const FoundCheckpoint& found,
                     std::uint32_t incarnation) {
  require_match(config, plan, found.directory);
  return {StartKind::kResume, incarnation, found.directory, {}, found.skipped};
}

RunStart decide_in_own_directory(const Config& config, const RunPlan& plan, const RunDirectory& directory) {
  const RunHistory history = read_history(directory);
  const auto found = find_checkpoint(directory.checkpoints());
  if (!found) {
    // It began and died before its first checkpoint: nothing to lose.
    return {StartKind::kFresh, history.next_incarnation, {}, {}, {}};
  }
  require_match(config, plan, found->directory);
  if (history.finished_step && *history.finished_step >= plan.target_step) {
    return {StartKind::kFinished, history.next_incarnation, {}, history.closing, {}};
  }
  return resume_from(config, plan, *found, history.next_incarnation);
}

}  // namespace

std::string RunStart::to_text() const {
  const nlohmann::json json{{"kind", static_cast<int>(kind)},
                            {"incarnation", incarnation},
                            {"checkpoint", checkpoint.string()},
                            {"closing", closing},
                            {"remarks", remarks}};
  return json.dump();
}

RunStart RunStart::from_text(const std::string& text) {
  const auto json = nlohmann::json::parse(text);
  return {static_cast<StartKind>(json.at("kind").get<int>()), json.at("incarnation").get<std::uint32_t>(),
          json.at("checkpoint").get<std::string>(), json.at("closing").get<std::vector<std::string>>(),
          json.at("remarks").get<std::vector<std::string>>()};
}

std::string data_identity(const RunPlan& plan) {
  // The test set decides nothing about the weights: another one may follow.
  return fmt::format("train {} ({} samples)", plan.train->fingerprint(), plan.steps.samples());
}

RunStart decide_start(const Config& config, const RunPlan& plan, const RunDirectory& directory) {
  const auto foreign = directory.foreign_entries();
  if (!foreign.empty()) {
    throw UsageError(fmt::format("run.dir {} holds something else: {}", directory.root().string(),
                                 fmt::join(foreign, ", ")),
                     "choose an empty or new directory");
  }
  const std::string& resume = config.checkpoint.resume;
  if (directory.holds_run()) {
    if (resume == "never") {
      throw UsageError(
          fmt::format("run.dir {} holds a run and checkpoint.resume is never", directory.root().string()),
          "choose another run.dir, or resume: auto");
    }
    return decide_in_own_directory(config, plan, directory);
  }
  if (resume == "auto" || resume == "never") return {};
  return resume_from(config, plan, checkpoint_at(resume), 1);
}

}  // namespace ft
