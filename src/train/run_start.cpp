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

// What a run was trained with, and its data, must be what this start asks for. `where` names it in the error.
void require_match(const Config& config, const RunPlan& plan, const fs::path& saved_config,
                   const std::string& data, const std::string& where) {
  std::vector<std::string> differences = differences_that_matter(load_config(saved_config, {}), config);
  if (data != data_identity(plan)) {
    differences.push_back(fmt::format("the packed data ({} there, {} here)", data, data_identity(plan)));
  }
  if (differences.empty()) return;
  throw UsageError(fmt::format("{} was trained with other settings: {}", where, fmt::join(differences, "; ")),
                   "choose another run.dir, or the old settings");
}

RunStart resume_from(const Config& config, const RunPlan& plan, const FoundCheckpoint& found,
                     std::uint32_t incarnation) {
  require_match(config, plan, found.directory / "config.yaml",
                load_checkpoint(found.directory).facts.value("data", ""), found.directory.string());
  return {StartKind::kResume, incarnation, found.directory, {}, found.skipped};
}

// A run that has no checkpoint: it died before its first, or somebody removed them.
RunStart start_without_checkpoint(const Config& config, const RunPlan& plan, const RunDirectory& directory,
                                  const RunHistory& history) {
  if (history.finished_step) {
    require_match(config, plan, directory.config(), history.data, directory.root().string());
    if (*history.finished_step >= plan.target_step) {
      return {StartKind::kFinished, history.next_incarnation, {}, history.closing, {}};
    }
    throw DataError(fmt::format("{} ended at step {} and its checkpoints are gone", directory.root().string(),
                                *history.finished_step),
                    "bring them back, or choose another run.dir");
  }
  return {StartKind::kFresh, history.next_incarnation, {}, {}, {}};
}

RunStart go_on_in_own_directory(const Config& config, const RunPlan& plan, const RunDirectory& directory,
                                const RunHistory& history) {
  const auto found = find_checkpoint(directory.checkpoints());
  if (!found) return start_without_checkpoint(config, plan, directory, history);
  RunStart start = resume_from(config, plan, *found, history.next_incarnation);
  if (history.finished_step && *history.finished_step >= plan.target_step) {
    return {StartKind::kFinished, history.next_incarnation, {}, history.closing, {}};
  }
  return start;
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
  const std::string& resume = config.checkpoint.resume;
  const bool from_path = resume != "auto" && resume != "never";
  if (from_path && !fs::exists(resume))
    throw DataError(
        fmt::format("checkpoint.resume: no checkpoint in {}: there is no such directory", resume));
  if (!directory.holds_run())
    return from_path ? resume_from(config, plan, checkpoint_at(resume), 1) : RunStart{};

  const RunHistory history = read_history(directory);
  // A later incarnation wins over all earlier ones, so nothing of theirs has to go.
  if (resume == "never") return {StartKind::kFresh, history.next_incarnation, {}, {}, {}};
  RunStart start = go_on_in_own_directory(config, plan, directory, history);
  if (from_path)
    start.remarks.push_back(
        fmt::format("checkpoint.resume {}: this run has begun and goes on from its own", resume));
  return start;
}

void require_own(const RunDirectory& directory) {
  const auto foreign = directory.foreign_entries();
  if (foreign.empty()) return;
  throw UsageError(
      fmt::format("run.dir {} holds something else: {}", directory.root().string(), fmt::join(foreign, ", ")),
      "choose an empty or new directory");
}

}  // namespace ft
