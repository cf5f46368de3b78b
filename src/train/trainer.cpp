// The loop and its steps. trainer_evaluation.cpp has what happens at the end of an epoch, trainer_saving.cpp
// what is written and how a run ends.
#include "ft/train/trainer.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>

#include <fmt/format.h>

#include "ft/base/host.h"
#include "ft/comm/agreement.h"
#include "ft/train/autocast.h"
#include "ft/train/micro_batches.h"
#include "ft/train/schedule.h"

namespace ft {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;
constexpr std::size_t kFirstBucketBytes = kMiB;

// What the ranks tell each other after each step, summed.
enum Slot : std::size_t { kLossSum, kCorrect, kCount, kFailed, kNotFinite, kStop, kSave, kSlots };

}  // namespace

DivergedError diverged_at(std::uint64_t step, const std::string& why) {
  return DivergedError(fmt::format("training diverged at step {}: {}", step, why),
                       "lower optimizer.lr or set train.clip_norm; ft_pack extract shows a sample");
}

Trainer::Trainer(const Config& config, const RunPlan& plan, const RankContext& context,
                 PreparedModel& prepared, const RunDirectory& directory, TrainingStart start)
    : config_(&config),
      plan_(&plan),
      context_(&context),
      prepared_(&prepared),
      directory_(directory),
      start_(std::move(start)),
      flat_(prepared.model, kFirstBucketBytes, static_cast<std::size_t>(config.dist.bucket_mib) * kMiB),
      reducer_(make_gradient_sum(flat_, *context.gradients, config.dist)),
      sgd_(flat_, config.optimizer),
      runner_(prepared.model, *reducer_, config, context),
      stop_file_(directory.stop_file()),
      stragglers_(context) {
  if (start_.checkpoint != nullptr) restore(*start_.checkpoint);
  if (context.is_root()) recorder_.emplace(directory, start_.incarnation, config.log.tensorboard);

  const MicroBatchCut cut = micro_batch_cut(config, context.rank(), context.world_size());
  LoaderOptions options = training_loader_options(config);
  options.workers = context.threads.workers;
  options.max_batch = cut.largest(static_cast<std::uint64_t>(config.train.batch_size));
  prepare_for(context.device, options);
  loader_ = std::make_unique<Loader>(
      *plan.train, options, micro_batch_source(plan.steps, cut, position_.step + 1, plan.target_step));
  feed_ = make_batch_feed(source_of(*loader_), options, input_type(config.train.precision), context.device);
}

Trainer::~Trainer() = default;

double Trainer::wall_seconds() const {
  return wall_before_ + since_start_.seconds();
}

TrainingOutcome Trainer::run(StopSignals& signals) {
  const StopSignals::Training training(
      signals, context_->world_size() == 1,
      [this](int exit_code, const std::string& reason) { record_end(exit_code, reason); });
  try {
    return train(signals);
  } catch (const Error& error) {
    record_end(static_cast<int>(error.code()), error.what());
    throw;
  } catch (const std::exception& error) {
    // Of torch's errors the first line says what is wrong; the others are a stack.
    const std::string_view what = error.what();
    record_end(static_cast<int>(ExitCode::kBug), std::string(what.substr(0, what.find('\n'))));
    throw;
  }
}

void Trainer::record_end(int exit_code, const std::string& reason) noexcept {
  if (!recorder_ || ended_.exchange(true)) return;
  try {
    recorder_->end(exit_code, reason, updates_, {});
  } catch (const std::exception&) {
    // The disk that is full for a checkpoint is full for this line: the first error is the one to report.
  }
}

TrainingOutcome Trainer::train(StopSignals& signals) {
  since_start_.restart();
  since_save_.restart();
  since_epoch_.restart();
  if (recorder_) recorder_->start(start_.facts);
  if (position_.step >= plan_->target_step) {
    // Interrupted after its last checkpoint and before its end: only the last evaluation is missing.
    end_epoch(plan_->steps.position_of(std::max<std::uint64_t>(position_.step, 1)).epoch, false);
  }
  while (position_.step < plan_->target_step) {
    const std::uint64_t step = position_.step + 1;
    const StepPosition where = plan_->steps.position_of(step);
    if (where.step_in_epoch == 0) {
      position_.epoch_loss_sum = 0;
      position_.epoch_correct = position_.epoch_count = 0;
      since_epoch_.restart();
    }
    open_progress(where.epoch);
    context_->activity->at_step(step);
    const StepTotals totals = train_step(step, signals);
    account(totals);
    stragglers_.after_step(totals.mine);
    record_step(step, totals);
    show_progress();

    const bool epoch_ended = where.step_in_epoch + 1 == plan_->steps.steps_per_epoch();
    if (epoch_ended || step == plan_->target_step) end_epoch(where.epoch, epoch_ended);
    if (totals.stop && step < plan_->target_step) return stop(signals);
    if (totals.save || checkpoint_due(step, epoch_ended)) save("checkpoint");
  }
  signals.agreed();  // they all end now, told or not
  return finish();
}

Trainer::StepTotals Trainer::train_step(std::uint64_t step, StopSignals& signals) {
  const Stopwatch whole_step;
  const std::uint64_t images = std::min<std::uint64_t>(
      static_cast<std::uint64_t>(config_->train.batch_size),
      plan_->steps.samples() - plan_->steps.position_of(step).step_in_epoch * config_->train.batch_size);
  StepTotals totals;
  totals.mine = runner_.run(*feed_, images);

  const bool want_stop = !signals.received().empty() || (context_->is_root() && stop_file_.present());
  const double save_after_s = config_->checkpoint.every_minutes * 60;
  const bool want_save = context_->is_root() && save_after_s > 0 && since_save_.seconds() >= save_after_s;
  std::array<double, kSlots> shared{};
  shared[kLossSum] = totals.mine.loss_sum;
  shared[kCorrect] = static_cast<double>(totals.mine.correct);
  shared[kCount] = static_cast<double>(totals.mine.count);
  shared[kFailed] = totals.mine.failure ? 1 : 0;
  shared[kNotFinite] = totals.mine.not_finite.empty() ? 0 : 1;
  shared[kStop] = want_stop ? 1 : 0;
  shared[kSave] = want_save ? 1 : 0;
  runner_.timer().enter(Phase::kExchange);
  context_->host->all_reduce_host(shared, ReduceOp::kSum, fmt::format("counts of step {}", step));
  runner_.timer().enter(Phase::kOther);
  if (shared[kFailed] > 0) {
    agree(*context_->host, fmt::format("the end of step {}", step), [&] {
      if (totals.mine.failure) std::rethrow_exception(totals.mine.failure);
    });
  }
  throw_if_diverged(step, totals.mine, shared[kNotFinite] > 0);

  totals.loss_sum = shared[kLossSum];
  totals.correct = static_cast<std::uint64_t>(shared[kCorrect]);
  totals.count = static_cast<std::uint64_t>(shared[kCount]);
  totals.stop = shared[kStop] > 0;
  totals.save = shared[kSave] > 0;
  if (totals.stop) signals.agreed();
  if (totals.count != images) {
    throw Error(ExitCode::kBug,
                fmt::format("step {} saw {} images instead of {}", step, totals.count, images));
  }
  runner_.timer().enter(Phase::kOptimizer);
  update_weights(step, images);
  runner_.timer().enter(Phase::kOther);
  runner_.take_times(totals.mine);
  totals.seconds = whole_step.seconds();
  return totals;
}

void Trainer::throw_if_diverged(std::uint64_t step, const StepShare& share, bool anywhere) {
  if (!anywhere) return;
  // The weights are those of the step before: the update has not happened.
  const std::string mine = share.not_finite.empty() ? ""
                                                    : fmt::format("rank {} ({}): {}", context_->rank(),
                                                                  host_name(), share.not_finite);
  std::string all;
  for (const std::string& text : context_->host->all_gather(mine, "reasons for a loss that is not finite")) {
    if (!text.empty()) all += (all.empty() ? "" : " | ") + text;
  }
  DivergedError error = diverged_at(step, all);
  error.mark_known_to_all();
  throw error;
}

void Trainer::update_weights(std::uint64_t step, std::uint64_t images) {
  double scale = 1;
  if (config_->optimizer.loss_reduction == LossReduction::kMean) scale /= static_cast<double>(images);
  if (config_->train.clip_norm > 0) {
    // torch.nn.utils.clip_grad_norm_'s rule, its 1e-6 included.
    const double norm = gradient_norm(flat_) * scale;
    scale *= std::min(1.0, config_->train.clip_norm / (norm + 1e-6));
  }
  const ScheduleSpan span{plan_->steps.steps_per_epoch(), plan_->total_steps};
  sgd_.step(learning_rate(config_->optimizer, span, step), scale);
  position_.step = step;
  updates_ = step;
}

void Trainer::account(const StepTotals& totals) {
  position_.epoch_loss_sum += totals.loss_sum;
  position_.epoch_correct += totals.correct;
  position_.epoch_count += totals.count;
  position_.samples += totals.count;
  position_.train_seconds += totals.seconds;
  window_seconds_ += totals.seconds;
  window_images_ += totals.count;
}

void Trainer::record_step(std::uint64_t step, const StepTotals& totals) {
  const bool due =
      step % static_cast<std::uint64_t>(config_->log.every_steps) == 0 || step == plan_->target_step;
  if (!due || !recorder_) return;
  StepRecord record;
  record.step = step;
  record.epoch = plan_->steps.position_of(step).epoch;
  record.loss = totals.loss_sum / static_cast<double>(totals.count);
  record.lr = learning_rate(config_->optimizer, {plan_->steps.steps_per_epoch(), plan_->total_steps}, step);
  record.images_per_s = static_cast<double>(window_images_) / window_seconds_;
  record.data_s = totals.mine.times.data_s;
  record.compute_s = totals.mine.times.compute_s + totals.mine.times.optimizer_s;
  record.comm_s = totals.mine.times.comm_s();
  record.comm_bytes = totals.mine.gradients.bytes;
  record.comm_hidden = totals.mine.gradients.hidden_share();
  if (config_->log.sample_ids) record.sample_ids = plan_->steps.batch(step);
  if (config_->log.weights_sha256) {
    // Running statistics of `batch_norm: local` are each rank's own, so only parameters can be compared.
    const bool parameters_only = context_->world_size() > 1 &&
                                 config_->model.batch_norm == BatchNormMode::kLocal &&
                                 config_->dist.elastic == 0;
    record.weights_sha256 = weights_sha256(state_dict(*prepared_->model), parameters_only);
  }
  recorder_->step(record);
  window_seconds_ = 0;
  window_images_ = 0;
}

void Trainer::open_progress(std::uint32_t epoch) {
  if (!context_->is_root() || progress_) return;
  progress_.emplace(fmt::format("epoch {}/{}", epoch + 1, config_->train.epochs), plan_->steps.samples(),
                    "images",
                    /*enabled=*/true, std::chrono::seconds(10), position_.epoch_count);
}

void Trainer::show_progress() {
  if (!progress_) return;
  const auto count = static_cast<double>(position_.epoch_count);
  progress_->update(position_.epoch_count,
                    fmt::format("loss {:.3f} acc {:.3f}", position_.epoch_loss_sum / count,
                                static_cast<double>(position_.epoch_correct) / count));
}

}  // namespace ft
