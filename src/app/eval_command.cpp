// `ft_dist eval`: the test accuracy of a weights file, on rank 0 or by all ranks together.
#include <cmath>
#include <iostream>
#include <memory>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ft/base/error.h"
#include "ft/comm/agreement.h"
#include "ft/report/progress.h"
#include "ft/report/table.h"
#include "ft/train/evaluator.h"
#include "ft/train/prepared_model.h"
#include "ft/train/root_task.h"
#include "ft/train/run_directory.h"
#include "ft/train/run_plan.h"

#include "commands.h"
#include "same_on_all_ranks.h"

namespace ft::app {
namespace {

std::string per_class_table(const PackedSet& set, const Evaluation& result) {
  Table table({"class", "images", "right", "recall"});
  const auto recall = result.confusion.recall();
  for (std::size_t i = 0; i < set.classes().size(); ++i) {
    std::uint64_t images = 0;
    for (const std::uint64_t count : result.confusion.counts()[i]) images += count;
    table.add_row({set.classes()[i], fmt::format("{}", images),
                   fmt::format("{}", result.confusion.counts()[i][i]), fmt::format("{:.3f}", recall[i])});
  }
  return table.to_string(0);
}

PreparedModel prepare_weights(Session& session, const PackedSet& set, const std::string& weights) {
  Config config = session.config;
  config.model.weights = weights;
  config.model.head_init = {};
  PreparedModel prepared = prepare_model(config, set.classes(), session.context.device, nullptr);
  if (!prepared.source->head_copied) {
    throw DataError(
        fmt::format("{} has different classes: [{}], not [{}] as {}", prepared.source->file.string(),
                    fmt::join(prepared.source->source_classes, ", "), fmt::join(set.classes(), ", "),
                    set.directory().string()),
        "evaluate on a set of the same classes; a classes.txt beside the weights names theirs");
  }
  return prepared;
}

EvaluatorOptions evaluator_options(const Session& session, int workers) {
  EvaluatorOptions options;
  options.device = session.context.device;
  options.workers = workers;
  options.channels_last = session.config.train.channels_last;
  options.transform = transform_options(session.config.data);
  return options;
}

Evaluation evaluate_alone(Session& session, const PackedSet& set, ResNet model) {
  Progress progress("eval", set.size(), "images");
  Evaluation result =
      evaluate(model, set, nullptr, evaluator_options(session, session.context.threads.eval_workers),
               [&](std::uint64_t done) {
                 progress.update(done);
                 session.context.activity->progress(done, set.size());
               });
  progress.finish();
  return result;
}

Evaluation evaluate_share(Session& session, const PackedSet& set, ResNet model) {
  std::optional<Progress> progress;
  session.context.activity->enter("evaluation");
  Evaluation result =
      evaluate_together(model, set, nullptr, evaluator_options(session, session.context.threads.workers),
                        *session.host, [&](std::uint64_t done, std::uint64_t of) {
                          if (!progress) progress.emplace("eval", of, "images", session.context.is_root());
                          progress->update(done);
                          session.context.activity->progress(done, of);
                        });
  if (progress) progress->finish();
  return result;
}

// What is evaluated, and on what.
struct Subject {
  std::string weights;
  std::unique_ptr<PackedSet> set;
  std::optional<PreparedModel> model;
};

Subject open_subject(Session& session) {
  const std::string data = session.line.data.empty() ? session.config.data.test : session.line.data;
  if (data.empty()) throw UsageError("neither --data nor data.test names a packed set");
  Subject subject;
  subject.weights = session.line.weights.empty()
                        ? RunDirectory(session.config.run.dir).final_weights().string()
                        : session.line.weights;
  subject.set = std::make_unique<PackedSet>(data);
  subject.model = prepare_weights(session, *subject.set, subject.weights);
  return subject;
}

void report(const Subject& subject, const Evaluation& result) {
  if (!std::isfinite(result.loss))
    throw DataError(fmt::format("{}: its loss is not finite", subject.weights));
  const Interval interval = wilson_interval(result.correct(), result.count());
  std::cout << per_class_table(*subject.set, result)
            << fmt::format("loss {:.4f}\ntest acc {:.3f} (95% {:.3f}-{:.3f}, {} of {})\n", result.loss,
                           result.accuracy(), interval.low, interval.high, result.correct(), result.count())
            << std::flush;
}

void evaluate_on_all_ranks(Session& session) {
  Subject subject;
  agree(*session.host, "opening what is evaluated", [&] { subject = open_subject(session); });
  require_same_on_all_ranks(*session.host, subject.set->fingerprint(), "the data");
  require_same_on_all_ranks(*session.host, subject.model->source->fingerprint, "the weights file");
  const Evaluation result = evaluate_share(session, *subject.set, subject.model->model);
  agree(*session.host, "the report", [&] {
    if (session.context.is_root()) report(subject, result);
  });
}

}  // namespace

int eval_command(Session& session) {
  if (session.config.eval.mode == EvalMode::kSharded) {
    evaluate_on_all_ranks(session);
    return 0;
  }
  run_on_root(*session.host, *session.context.activity, "evaluation on rank 0", [&] {
    const Subject subject = open_subject(session);
    report(subject, evaluate_alone(session, *subject.set, subject.model->model));
  });
  return 0;
}

}  // namespace ft::app
