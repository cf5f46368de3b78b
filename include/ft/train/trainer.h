// The training loop: steps, evaluation, records, checkpoints, and the ways to end.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ft/base/error.h"
#include "ft/base/stop_signals.h"
#include "ft/base/stopwatch.h"
#include "ft/config/config.h"
#include "ft/report/progress.h"
#include "ft/train/checkpoint.h"
#include "ft/train/evaluator.h"
#include "ft/train/gradient_sum.h"
#include "ft/train/prepared_model.h"
#include "ft/train/rank_context.h"
#include "ft/train/run_plan.h"
#include "ft/train/run_recorder.h"
#include "ft/train/sgd.h"
#include "ft/train/step_runner.h"
#include "ft/train/stop_file.h"
#include "ft/train/straggler_report.h"

namespace ft {

struct TrainingOutcome {
  ExitCode exit = ExitCode::kDone;
  std::vector<std::string> closing;  // four lines, rank 0 only
};

// What a run starts from; `checkpoint` is null for a fresh one.
struct TrainingStart {
  std::uint32_t incarnation = 1;
  const Checkpoint* checkpoint = nullptr;
  bool own_checkpoint = true;    // from this run's directory, and not from another run's
  nlohmann::ordered_json facts;  // stored in checkpoints and in the "start" line
};

// The error of a loss, a weight or a statistic that is not finite.
[[nodiscard]] DivergedError diverged_at(std::uint64_t step, const std::string& why);

class Trainer {
 public:
  // References must outlive the trainer. The run directory exists. Every rank makes one with equal arguments.
  Trainer(const Config& config, const RunPlan& plan, const RankContext& context, PreparedModel& prepared,
          const RunDirectory& directory, TrainingStart start);
  ~Trainer();

  // Trains to plan.target_step. Collective. Throws DivergedError (on every rank, nothing saved over good
  // state), DataError, PeerError. Whatever it throws is recorded as the run's end.
  [[nodiscard]] TrainingOutcome run(StopSignals& signals);

 private:
  // What all ranks counted in one step, and what any of them wants.
  struct StepTotals {
    double loss_sum = 0;
    std::uint64_t correct = 0, count = 0;
    bool stop = false, save = false;
    StepShare mine;
    double seconds = 0;
  };

  using Ids = std::vector<std::uint64_t>;
  // Of one set; null: all of it.
  using EvaluateSet = std::function<Evaluation(const PackedSet&, const Ids*, const std::string& title)>;
  struct Evaluations {
    std::optional<Evaluation> val, test;
  };

  [[nodiscard]] TrainingOutcome train(StopSignals& signals);
  // The first one counts: others may follow from it.
  void record_end(int exit_code, const std::string& reason) noexcept;
  void restore(const Checkpoint& checkpoint);
  [[nodiscard]] StepTotals train_step(std::uint64_t step, StopSignals& signals);
  void throw_if_diverged(std::uint64_t step, const StepShare& share, bool anywhere);
  // What this rank's weights leave with. Collective.
  [[nodiscard]] RunningStatistics averaged_statistics() const;
  void require_finite(const std::vector<NamedTensor>& tensors);
  void update_weights(std::uint64_t step, std::uint64_t images);
  void account(const StepTotals& totals);
  void record_step(std::uint64_t step, const StepTotals& totals);
  void end_epoch(std::uint32_t epoch, bool whole);
  [[nodiscard]] bool evaluation_due(std::uint32_t epoch, bool whole) const;
  void evaluate_and_record(std::uint32_t epoch, bool whole);
  [[nodiscard]] Evaluations evaluate_sets(const EvaluateSet& evaluate_set);
  void record_evaluations(std::uint32_t epoch, bool whole, Evaluations results);
  [[nodiscard]] EvaluatorOptions evaluator_options(int workers) const;
  [[nodiscard]] Evaluation evaluate_alone(const PackedSet& set, const Ids* ids, const std::string& title);
  [[nodiscard]] Evaluation evaluate_share(const PackedSet& set, const Ids* ids, const std::string& title);
  [[nodiscard]] bool checkpoint_due(std::uint64_t step, bool epoch_ended) const;
  void save(const std::string& why);
  [[nodiscard]] TrainingOutcome stop(const StopSignals& signals);
  [[nodiscard]] TrainingOutcome finish();
  void export_weights(const std::filesystem::path& file);
  void open_progress(std::uint32_t epoch);
  void show_progress();
  [[nodiscard]] std::vector<NamedTensor> velocity_tensors();
  [[nodiscard]] double wall_seconds() const;

  const Config* config_;
  const RunPlan* plan_;
  const RankContext* context_;
  PreparedModel* prepared_;
  RunDirectory directory_;
  TrainingStart start_;

  FlatParameters flat_;
  std::unique_ptr<GradientSum> reducer_;
  Sgd sgd_;
  StepRunner runner_;
  std::unique_ptr<Loader> loader_;
  std::unique_ptr<BatchFeed> feed_;      // after the loader, whose memory it may be copying
  std::optional<RunRecorder> recorder_;  // rank 0
  std::optional<Progress> progress_;
  StopFile stop_file_;
  StragglerReport stragglers_;

  TrainingPosition position_;
  std::atomic<bool> ended_{false};
  std::atomic<std::uint64_t> updates_{0};  // position_.step, for another thread
  std::optional<Evaluation> test_;         // the latest, rank 0
  std::optional<std::uint64_t> saved_step_;
  double wall_before_ = 0;  // of earlier incarnations
  Stopwatch since_start_;
  Stopwatch since_save_;
  Stopwatch since_epoch_;
  // Since the last recorded step.
  double window_seconds_ = 0;
  std::uint64_t window_images_ = 0;
};

}  // namespace ft
