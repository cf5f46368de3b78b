// Checkpoints, and how a run ends.

#include <fmt/format.h>

#include "ft/config/load.h"
#include "ft/train/image_shares.h"
#include "ft/train/root_task.h"
#include "ft/train/trainer.h"

namespace ft {
// Momentum by parameter name, in the parameter's own shape: files never hold flat order.
std::vector<NamedTensor> Trainer::velocity_tensors() {
  std::vector<NamedTensor> tensors;
  if (!sgd_.velocity().defined()) return tensors;
  tensors.resize(flat_.count());
  for (const Bucket& bucket : flat_.layout().buckets) {
    for (const Segment& segment : bucket.segments) {
      const torch::Tensor& like = flat_.parameter(segment.parameter);
      tensors[segment.parameter] = {flat_.name(segment.parameter),
                                    sgd_.velocity().as_strided(like.sizes(), like.strides(), segment.offset),
                                    true};
    }
  }
  return tensors;
}

void Trainer::restore(const Checkpoint& checkpoint) {
  const torch::NoGradGuard no_grad;
  position_ = checkpoint.position;
  updates_ = position_.step;
  wall_before_ = position_.wall_seconds;
  if (start_.own_checkpoint) saved_step_ = position_.step;
  const auto rank = static_cast<std::size_t>(context_->rank());
  const bool same_world = checkpoint.statistics.size() == static_cast<std::size_t>(context_->world_size());
  // Another world size starts all ranks from the average.
  const std::span<const RunningStatistics> saved_statistics = checkpoint.statistics;
  const auto average = [&] {
    const int ranks =
        ranks_with_statistics(*config_, plan_->steps.samples(), static_cast<int>(saved_statistics.size()));
    return RunningStatistics::mean_of(saved_statistics.first(static_cast<std::size_t>(ranks)));
  };
  (same_world ? saved_statistics[rank] : average()).apply_to(prepared_->model);

  std::map<std::string, torch::Tensor> saved;
  for (const NamedTensor& tensor : checkpoint.velocity) saved[tensor.name] = tensor.tensor;
  for (NamedTensor& own : velocity_tensors()) {
    const auto found = saved.find(own.name);
    if (found == saved.end() || found->second.sizes() != own.tensor.sizes()) {
      throw DataError(fmt::format("the checkpoint has no fitting momentum for {}", own.name));
    }
    own.tensor.copy_(found->second);
  }
}

RunningStatistics Trainer::averaged_statistics() const {
  const int ranks = ranks_with_statistics(*config_, plan_->steps.samples(), context_->world_size());
  return RunningStatistics::of(prepared_->model).averaged(*context_->host, ranks);
}

bool Trainer::checkpoint_due(std::uint64_t step, bool epoch_ended) const {
  const CheckpointConfig& config = config_->checkpoint;
  if (step == plan_->target_step) return false;  // finish() saves
  if (config.every_steps > 0 && step % static_cast<std::uint64_t>(config.every_steps) == 0) return true;
  const std::uint32_t epochs_done = plan_->steps.position_of(step).epoch + 1;
  return epoch_ended && config.every_epochs > 0 &&
         epochs_done % static_cast<std::uint32_t>(config.every_epochs) == 0;
}

// A step's loss is seen before its update: only here shows what the last update broke.
void Trainer::require_finite(const std::vector<NamedTensor>& tensors) {
  for (const NamedTensor& entry : tensors) {
    if (torch::isfinite(entry.tensor).all().item<bool>()) continue;
    throw diverged_at(position_.step, entry.name + " holds values that are not finite");
  }
}

void Trainer::save(const std::string& why) {
  if (saved_step_ == position_.step) return;
  const RunningStatistics averaged = averaged_statistics();
  const RunningStatistics own = RunningStatistics::of(prepared_->model);
  const std::vector<std::string> all =
      context_->host->gather(own.to_bytes(), 0, "gathering BatchNorm statistics");
  run_on_root(*context_->host, *context_->activity, "saving a checkpoint", [&] {
    position_.wall_seconds = wall_seconds();
    Checkpoint checkpoint;
    checkpoint.position = position_;
    checkpoint.facts = start_.facts;
    checkpoint.config_yaml = to_yaml(*config_);
    for (const std::string& bytes : all)
      checkpoint.statistics.push_back(RunningStatistics::from_bytes(bytes));
    checkpoint.velocity = velocity_tensors();
    const BorrowedStatistics borrowed(prepared_->model, averaged);
    checkpoint.model = state_dict(*prepared_->model);
    require_finite(checkpoint.model);
    require_finite(checkpoint.velocity);
    const CheckpointName name{position_.step, start_.incarnation};
    save_checkpoint(directory_.checkpoints(), name, checkpoint, weights_metadata(*config_, plan_->classes()),
                    [this](std::size_t done, std::size_t of) { context_->activity->progress(done, of); });
    prune_checkpoints(directory_.checkpoints(), start_.incarnation, config_->checkpoint.keep);
    context_->log->info("{}: saved {}", why, name.to_string());
  });
  saved_step_ = position_.step;
  since_save_.restart();
}

TrainingOutcome Trainer::stop(const StopSignals& signals) {
  if (progress_) progress_->finish();
  save("stop requested");
  std::string reason = signals.received();
  if (context_->is_root()) {
    stop_file_.clear();
    if (reason.empty()) reason = "a stop request";
    if (!ended_.exchange(true))
      recorder_->end(static_cast<int>(ExitCode::kStopped), reason, position_.step, {});
    context_->log->info("stopped by {} after step {} of {}; the same command goes on from here", reason,
                        position_.step, plan_->target_step);
  }
  // Nobody leaves before the save is durable: mpirun ends the others with the first that leaves.
  context_->host->barrier("the end of a stopped run");
  return {ExitCode::kStopped, {}};
}

TrainingOutcome Trainer::finish() {
  save("done");
  TrainingOutcome outcome;
  const RunningStatistics averaged = averaged_statistics();
  run_on_root(*context_->host, *context_->activity, "writing the final weights", [&] {
    const BorrowedStatistics borrowed(prepared_->model, averaged);
    export_weights(directory_.final_weights());
    stop_file_.clear();  // it came too late for this run, and is not meant for the next
    position_.wall_seconds = wall_seconds();
    outcome.closing = closing_lines(position_, test_ ? &*test_ : nullptr, context_->world_size(),
                                    context_->device.is_cuda() ? "cuda" : "cpu");
    const bool all = plan_->target_step == plan_->total_steps;
    if (ended_.exchange(true)) return;
    recorder_->end(static_cast<int>(ExitCode::kDone), all ? "all epochs done" : "train.max_steps reached",
                   position_.step, outcome.closing);
  });
  context_->host->barrier("the end of the run");
  return outcome;
}

}  // namespace ft
