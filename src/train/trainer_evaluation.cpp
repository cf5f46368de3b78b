// The end of an epoch: rank 0 evaluates while the others sleep, or all evaluate together; the best weights on
// `val` are kept.
#include <cmath>

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include "ft/train/root_task.h"
#include "ft/train/trainer.h"

namespace ft {
namespace {

// While the node's other ranks sleep, their cores are rank 0's.
class BorrowedThreads {
 public:
  explicit BorrowedThreads(int threads) : own_(at::get_num_threads()) { at::set_num_threads(threads); }
  BorrowedThreads(const BorrowedThreads&) = delete;
  BorrowedThreads& operator=(const BorrowedThreads&) = delete;
  ~BorrowedThreads() { at::set_num_threads(own_); }

 private:
  int own_;
};

}  // namespace

bool Trainer::evaluation_due(std::uint32_t epoch, bool whole) const {
  if (!plan_->test && !plan_->val) return false;
  if (position_.step >= plan_->target_step) return true;
  const int every = config_->eval.every_epochs;
  return whole && every > 0 && (epoch + 1) % static_cast<std::uint32_t>(every) == 0;
}

void Trainer::end_epoch(std::uint32_t epoch, bool whole) {
  if (progress_) progress_->finish();
  progress_.reset();
  if (evaluation_due(epoch, whole)) {
    evaluate_and_record(epoch, whole);
  } else if (recorder_) {
    const auto count = static_cast<double>(position_.epoch_count);
    recorder_->epoch({.epoch = epoch,
                      .step = position_.step,
                      .train_loss = position_.epoch_loss_sum / count,
                      .train_accuracy = static_cast<double>(position_.epoch_correct) / count,
                      .seconds = since_epoch_.seconds(),
                      .whole = whole},
                     plan_->classes());
  }
}

void Trainer::evaluate_and_record(std::uint32_t epoch, bool whole) {
  const RunningStatistics averaged = averaged_statistics();
  const bool together = config_->eval.mode == EvalMode::kSharded;
  Evaluations results;
  if (together) {
    const BorrowedStatistics borrowed(prepared_->model, averaged);
    results = evaluate_sets([this](const PackedSet& set, const Ids* ids, const std::string& title) {
      return evaluate_share(set, ids, title);
    });
  }
  run_on_root(*context_->host, *context_->activity,
              together ? "recording the evaluation" : "evaluation on rank 0", [&] {
                const BorrowedStatistics borrowed(prepared_->model, averaged);
                if (!together) {
                  const BorrowedThreads threads(context_->threads.eval_compute);
                  results =
                      evaluate_sets([this](const PackedSet& set, const Ids* ids, const std::string& title) {
                        return evaluate_alone(set, ids, title);
                      });
                }
                record_evaluations(epoch, whole, std::move(results));
              });
  runner_.back_to_training();
}

Trainer::Evaluations Trainer::evaluate_sets(const EvaluateSet& evaluate_set) {
  const auto finite = [this, &evaluate_set](const PackedSet& set, const Ids* ids, const std::string& title) {
    Evaluation result = evaluate_set(set, ids, title);
    if (!std::isfinite(result.loss)) {
      throw diverged_at(position_.step, fmt::format("the {} loss is not finite", title));
    }
    return result;
  };
  Evaluations results;
  if (plan_->val)
    results.val = finite(*plan_->val, plan_->val_ids.empty() ? nullptr : &plan_->val_ids, "val");
  if (plan_->test) results.test = finite(*plan_->test, nullptr, "test");
  return results;
}

// On rank 0, with the statistics that were evaluated in the model.
void Trainer::record_evaluations(std::uint32_t epoch, bool whole, Evaluations results) {
  const std::optional<Evaluation>& val = results.val;
  if (val && val->accuracy() > position_.best_val_accuracy) {
    position_.best_val_accuracy = val->accuracy();
    export_weights(directory_.best_weights());
  }
  if (results.test) test_ = std::move(results.test);
  const auto count = static_cast<double>(position_.epoch_count);
  const EpochRecord record{.epoch = epoch,
                           .step = position_.step,
                           .train_loss = position_.epoch_loss_sum / count,
                           .train_accuracy = static_cast<double>(position_.epoch_correct) / count,
                           .seconds = since_epoch_.seconds(),
                           .whole = whole,
                           .test = test_ ? &*test_ : nullptr,
                           .val = val ? &*val : nullptr};
  recorder_->epoch(record, plan_->classes());
  context_->log->info(
      "epoch {}/{} step {}: loss {:.3f}, train acc {:.3f}{}{}", epoch + 1, config_->train.epochs,
      position_.step, record.train_loss, record.train_accuracy,
      val ? fmt::format(", val acc {:.3f}", val->accuracy()) : "",
      test_ ? fmt::format(", test acc {:.3f} ({} of {})", test_->accuracy(), test_->correct(), test_->count())
            : "");
}

EvaluatorOptions Trainer::evaluator_options(int workers) const {
  EvaluatorOptions options;
  options.device = context_->device;
  options.workers = workers;
  options.channels_last = config_->train.channels_last;
  options.transform = transform_options(config_->data);
  return options;
}

Evaluation Trainer::evaluate_alone(const PackedSet& set, const Ids* ids, const std::string& title) {
  const std::uint64_t of = ids != nullptr ? ids->size() : set.size();
  Progress progress(title, of, "images");
  Evaluation result = evaluate(prepared_->model, set, ids, evaluator_options(context_->threads.eval_workers),
                               [&](std::uint64_t done) {
                                 progress.update(done);
                                 context_->activity->progress(done, of);
                               });
  progress.finish();
  return result;
}

Evaluation Trainer::evaluate_share(const PackedSet& set, const Ids* ids, const std::string& title) {
  std::optional<Progress> progress;
  context_->activity->enter("evaluation");
  Evaluation result =
      evaluate_together(prepared_->model, set, ids, evaluator_options(context_->threads.workers),
                        *context_->host, [&](std::uint64_t done, std::uint64_t of) {
                          if (!progress) progress.emplace(title, of, "images", context_->is_root());
                          progress->update(done);
                          context_->activity->progress(done, of);
                        });
  if (progress) progress->finish();
  return result;
}

void Trainer::export_weights(const std::filesystem::path& file) {
  save_state_dict(file, state_dict(*prepared_->model), weights_metadata(*config_, plan_->classes()));
}

}  // namespace ft
