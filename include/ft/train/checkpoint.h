// Checkpoints: checkpoints/step-00000120-i0003/ (step 120, written by the run's third start), each whole or
// absent.
//
//   model.safetensors       the state_dict, running statistics averaged over ranks: loads into torchvision
//   optimizer.safetensors   momentum by parameter name (only with momentum)
//   statistics.safetensors  every rank's own running statistics, "rank0000" f64[n]
//   config.yaml             the resolved config
//   state.json              position, fingerprints, classes, preprocessing, ranks and hosts
//   hashes.json             XXH3-128 of each of the above
//
// Note [Incarnations]: each start of a run takes the next incarnation number. After a network cut an old
// start may still be writing on a node that nobody can reach. Readers take the highest (incarnation, step)
// that verifies, and a writer removes only names of its own or older incarnations, so the old one can harm
// nothing.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>
#include <torch/torch.h>

#include "ft/model/state_dict.h"
#include "ft/train/batch_norm_statistics.h"

namespace ft {

// Where a run stands. All counts are over all ranks and all incarnations.
struct TrainingPosition {
  std::uint64_t step = 0;  // optimizer updates done
  // The epoch under way, in train mode.
  double epoch_loss_sum = 0;
  std::uint64_t epoch_correct = 0;
  std::uint64_t epoch_count = 0;
  // The whole run.
  std::uint64_t samples = 0;
  double train_seconds = 0;  // in training steps
  double wall_seconds = 0;   // everything from the first step on
  double best_val_accuracy = -1;
};

struct Checkpoint {
  TrainingPosition position;
  nlohmann::ordered_json facts;  // fingerprints, classes, preprocessing, ranks: what resume compares
  std::string config_yaml;
  std::vector<NamedTensor> model;             // averaged statistics in the buffers
  std::vector<NamedTensor> velocity;          // empty without momentum
  std::vector<RunningStatistics> statistics;  // by rank
};

struct CheckpointName {
  std::uint64_t step = 0;
  std::uint32_t incarnation = 0;
  [[nodiscard]] std::string to_string() const;
  [[nodiscard]] static std::optional<CheckpointName> parse(const std::string& text);
};

// So many parts of so many are on disk.
using SaveProgress = std::function<void(std::size_t done, std::size_t of)>;

// Writes it, durable before it is visible, and the `latest` hint. `metadata` goes into model.safetensors.
// DataError on a full disk and its kind: nothing is left under the final name.
void save_checkpoint(const std::filesystem::path& checkpoints, const CheckpointName& name,
                     const Checkpoint& checkpoint, const std::map<std::string, std::string>& metadata,
                     const SaveProgress& on_progress = {});

// Removes all but the newest `keep` (at least 1) of incarnations up to `incarnation`, and what they left
// half-written.
void prune_checkpoints(const std::filesystem::path& checkpoints, std::uint32_t incarnation, int keep);

// Newest first, unverified.
[[nodiscard]] std::vector<CheckpointName> list_checkpoints(const std::filesystem::path& checkpoints);

// Why this directory cannot be used ("model.safetensors: hash differs"), or nothing.
[[nodiscard]] std::optional<std::string> verify_checkpoint(const std::filesystem::path& directory);

struct FoundCheckpoint {
  std::filesystem::path directory;
  CheckpointName name;
  std::vector<std::string>
      skipped;  // "skipped checkpoint step-00000120-i0003: model.safetensors: hash differs"
};
// The highest (incarnation, step) that verifies.
[[nodiscard]] std::optional<FoundCheckpoint> find_checkpoint(const std::filesystem::path& checkpoints);

// Reads a verified one.
[[nodiscard]] Checkpoint load_checkpoint(const std::filesystem::path& directory);

}  // namespace ft
