// Rank 0's record of a run: metrics.jsonl (the truth), TensorBoard events, and the four closing lines.
#pragma once

#include <array>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "ft/report/event_file.h"
#include "ft/report/metrics_log.h"
#include "ft/train/checkpoint.h"
#include "ft/train/evaluator.h"
#include "ft/train/run_directory.h"

namespace ft {

// One line of type "step". Losses are means per image over the global batch.
struct StepRecord {
  std::uint64_t step = 0;
  std::uint32_t epoch = 0;
  double loss = 0;
  double lr = 0;
  double images_per_s = 0;
  double data_s = 0, compute_s = 0, comm_s = 0;
  std::uint64_t comm_bytes = 0;  // that this rank sent for the sum of gradients
  double comm_hidden = 0;        // share of that sum's time that lay behind backward
  std::optional<std::vector<std::uint64_t>> sample_ids;
  std::optional<std::string> weights_sha256;
};

// One line of type "epoch"; `whole` is false where a run stops inside one.
struct EpochRecord {
  std::uint32_t epoch = 0;
  std::uint64_t step = 0;
  double train_loss = 0;
  double train_accuracy = 0;
  double seconds = 0;
  bool whole = true;
  const Evaluation* test = nullptr;
  const Evaluation* val = nullptr;
};

// end() may come from another thread than the rest.
class RunRecorder {
 public:
  RunRecorder(const RunDirectory& directory, std::uint32_t incarnation, bool tensorboard);

  void start(const nlohmann::ordered_json& facts);
  void step(const StepRecord& record);
  void epoch(const EpochRecord& record, const std::vector<std::string>& classes);
  void end(int exit_code, const std::string& reason, std::uint64_t step,
           const std::vector<std::string>& closing);

 private:
  void append(nlohmann::ordered_json object);

  std::uint32_t incarnation_;
  std::mutex mutex_;  // of metrics_
  MetricsLog metrics_;
  std::optional<EventFile> events_;
};

// The four lines that end stdout; the last two are the chapter's. `test` is null without a test set.
[[nodiscard]] std::vector<std::string> closing_lines(const TrainingPosition& position, const Evaluation* test,
                                                     int ranks, const std::string& device);

// The next start's number, and the closing lines of the last "end" with exit 0, if that was the last line.
struct RunHistory {
  std::uint32_t next_incarnation = 1;
  std::optional<std::uint64_t> finished_step;
  std::string data;  // data_identity of the last start
  std::vector<std::string> closing;
};
[[nodiscard]] RunHistory read_history(const RunDirectory& directory);

}  // namespace ft
