#include "ft/train/checkpoint.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include <fmt/format.h>

#include "ft/base/atomic_write.h"
#include "ft/base/error.h"
#include "ft/base/hash.h"
#include "ft/model/formats/safetensors.h"

namespace ft {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr const char* kModel = "model.safetensors";
constexpr const char* kOptimizer = "optimizer.safetensors";
constexpr const char* kStatistics = "statistics.safetensors";
constexpr const char* kConfig = "config.yaml";
constexpr const char* kState = "state.json";
constexpr const char* kHashes = "hashes.json";

ordered_json to_json(const TrainingPosition& position) {
  return {{"step", position.step},
          {"epoch_loss_sum", position.epoch_loss_sum},
          {"epoch_correct", position.epoch_correct},
          {"epoch_count", position.epoch_count},
          {"samples", position.samples},
          {"train_seconds", position.train_seconds},
          {"wall_seconds", position.wall_seconds},
          {"best_val_accuracy", position.best_val_accuracy}};
}

TrainingPosition position_from(const ordered_json& json) {
  TrainingPosition position;
  json.at("step").get_to(position.step);
  json.at("epoch_loss_sum").get_to(position.epoch_loss_sum);
  json.at("epoch_correct").get_to(position.epoch_correct);
  json.at("epoch_count").get_to(position.epoch_count);
  json.at("samples").get_to(position.samples);
  json.at("train_seconds").get_to(position.train_seconds);
  json.at("wall_seconds").get_to(position.wall_seconds);
  json.at("best_val_accuracy").get_to(position.best_val_accuracy);
  return position;
}

void save_statistics(const fs::path& path, const std::vector<RunningStatistics>& ranks) {
  std::vector<TensorToWrite> tensors;
  for (std::size_t rank = 0; rank < ranks.size(); ++rank) {
    const auto& values = ranks[rank].values();
    tensors.push_back({fmt::format("rank{:04}", rank),
                       ElementType::kFloat64,
                       {static_cast<std::int64_t>(values.size())},
                       std::as_bytes(std::span(values))});
  }
  write_safetensors(path, tensors, {});
}

std::vector<RunningStatistics> load_statistics(const fs::path& path) {
  const TensorFile file = read_safetensors(path);
  std::vector<RunningStatistics> ranks;
  for (std::size_t rank = 0; rank < file.tensors.size(); ++rank) {
    const TensorRecord* record = file.find(fmt::format("rank{:04}", rank));
    if (record == nullptr) throw DataError(fmt::format("{}: rank {} is missing", path.string(), rank));
    ranks.push_back(RunningStatistics::from_bytes(
        {reinterpret_cast<const char*>(record->bytes.data()), record->bytes.size()}));
  }
  return ranks;
}

std::vector<NamedTensor> load_tensors(const fs::path& path) {
  std::vector<NamedTensor> tensors;
  for (const TensorRecord& record : read_safetensors(path).tensors) {
    tensors.push_back({record.name, to_torch(record), false});
  }
  return tensors;
}

void write_hashes(const fs::path& directory) {
  ordered_json hashes;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(directory)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  for (const fs::path& file : files) hashes[file.filename().string()] = xxh3_128_of_file(file);
  write_file_atomically(directory / kHashes, hashes.dump(2) + "\n");
}

}  // namespace

std::string CheckpointName::to_string() const {
  return fmt::format("step-{:08}-i{:04}", step, incarnation);
}

std::optional<CheckpointName> CheckpointName::parse(const std::string& text) {
  const std::size_t mark = text.find("-i");
  if (!text.starts_with("step-") || mark == std::string::npos) return std::nullopt;
  CheckpointName name;
  const auto read = [](std::string_view digits, auto& value) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return error == std::errc() && end == digits.data() + digits.size();
  };
  const std::string_view view = text;
  if (!read(view.substr(5, mark - 5), name.step) || !read(view.substr(mark + 2), name.incarnation))
    return std::nullopt;
  return name;
}

void save_checkpoint(const fs::path& checkpoints, const CheckpointName& name, const Checkpoint& checkpoint,
                     const std::map<std::string, std::string>& metadata, const SaveProgress& on_progress) {
  constexpr std::size_t kParts = 5;
  const auto saved = [&](std::size_t parts) {
    if (on_progress) on_progress(parts, kParts);
  };
  AtomicDirectory directory(checkpoints / name.to_string());
  save_state_dict(directory.path() / kModel, checkpoint.model, metadata);
  saved(1);
  if (!checkpoint.velocity.empty()) save_state_dict(directory.path() / kOptimizer, checkpoint.velocity, {});
  saved(2);
  save_statistics(directory.path() / kStatistics, checkpoint.statistics);
  saved(3);
  write_file_atomically(directory.path() / kConfig, checkpoint.config_yaml);
  const ordered_json state{{"position", to_json(checkpoint.position)}, {"facts", checkpoint.facts}};
  write_file_atomically(directory.path() / kState, state.dump(2) + "\n");
  write_hashes(directory.path());
  saved(4);
  directory.commit();
  saved(kParts);
  write_file_atomically(checkpoints / "latest", name.to_string() + "\n");
}

void prune_checkpoints(const fs::path& checkpoints, std::uint32_t incarnation, int keep) {
  int kept = 0;
  for (const CheckpointName& name : list_checkpoints(checkpoints)) {
    if (name.incarnation > incarnation || ++kept <= std::max(keep, 1)) continue;
    std::error_code ignored;  // a failed removal costs space, not the run
    fs::remove_all(checkpoints / name.to_string(), ignored);
  }
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(checkpoints, error)) {
    const std::string text = entry.path().filename().string();
    const auto name =
        text.ends_with(".tmp") ? CheckpointName::parse(text.substr(0, text.size() - 4)) : std::nullopt;
    std::error_code ignored;
    if (name && name->incarnation < incarnation) fs::remove_all(entry.path(), ignored);
  }
}

std::vector<CheckpointName> list_checkpoints(const fs::path& checkpoints) {
  std::vector<CheckpointName> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(checkpoints, error)) {
    if (const auto name = CheckpointName::parse(entry.path().filename().string())) names.push_back(*name);
  }
  std::sort(names.begin(), names.end(), [](const CheckpointName& a, const CheckpointName& b) {
    return std::pair(a.incarnation, a.step) > std::pair(b.incarnation, b.step);
  });
  return names;
}

std::optional<std::string> verify_checkpoint(const fs::path& directory) {
  try {
    const ordered_json hashes = ordered_json::parse(read_text_file(directory / kHashes));
    for (const char* needed : {kModel, kStatistics, kConfig, kState}) {
      if (!hashes.contains(needed)) return fmt::format("{} is not listed in {}", needed, kHashes);
    }
    for (const auto& [file, hash] : hashes.items()) {
      if (xxh3_128_of_file(directory / file) != hash.get<std::string>()) return file + ": hash differs";
    }
  } catch (const DataError& error) {
    return error.what();
  } catch (const nlohmann::json::exception&) {
    return fmt::format("{} is torn", kHashes);
  }
  return std::nullopt;
}

std::optional<FoundCheckpoint> find_checkpoint(const fs::path& checkpoints) {
  FoundCheckpoint found;
  for (const CheckpointName& name : list_checkpoints(checkpoints)) {
    const fs::path directory = checkpoints / name.to_string();
    if (const auto reason = verify_checkpoint(directory)) {
      found.skipped.push_back(fmt::format("skipped checkpoint {}: {}", name.to_string(), *reason));
      continue;
    }
    found.directory = directory;
    found.name = name;
    return found;
  }
  if (!found.skipped.empty()) {
    throw DataError(fmt::format("no checkpoint in {} verifies ({})", checkpoints.string(),
                                fmt::join(found.skipped, "; ")),
                    "restore one from a backup, or start anew in another run.dir");
  }
  return std::nullopt;
}

Checkpoint load_checkpoint(const fs::path& directory) {
  Checkpoint checkpoint;
  try {
    const ordered_json state = ordered_json::parse(read_text_file(directory / kState));
    checkpoint.position = position_from(state.at("position"));
    checkpoint.facts = state.at("facts");
  } catch (const nlohmann::json::exception& error) {
    throw DataError(fmt::format("{}: {}", (directory / kState).string(), error.what()));
  }
  checkpoint.config_yaml = read_text_file(directory / kConfig);
  checkpoint.model = load_tensors(directory / kModel);
  if (fs::exists(directory / kOptimizer)) checkpoint.velocity = load_tensors(directory / kOptimizer);
  checkpoint.statistics = load_statistics(directory / kStatistics);
  return checkpoint;
}

}  // namespace ft
