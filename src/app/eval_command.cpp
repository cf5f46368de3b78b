// `ft_dist eval`: the test accuracy of a weights file, on rank 0.
#include <cmath>
#include <iostream>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ft/base/error.h"
#include "ft/report/progress.h"
#include "ft/report/table.h"
#include "ft/train/evaluator.h"
#include "ft/train/prepared_model.h"
#include "ft/train/root_task.h"
#include "ft/train/run_directory.h"
#include "ft/train/run_plan.h"

#include "commands.h"

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

Evaluation evaluate_weights(Session& session, const PackedSet& set, const std::string& weights,
                            const Beat& beat) {
  Config config = session.config;
  config.model.weights = weights;
  config.model.head_init = {};
  const PreparedModel prepared = prepare_model(config, set.classes(), session.context.device, nullptr);
  if (!prepared.source->head_copied) {
    throw DataError(
        fmt::format("{} has different classes: [{}], not [{}] as {}", prepared.source->file.string(),
                    fmt::join(prepared.source->source_classes, ", "), fmt::join(set.classes(), ", "),
                    set.directory().string()),
        "evaluate on a set of the same classes; a classes.txt beside the weights names theirs");
  }
  ResNet model = prepared.model;

  EvaluatorOptions options;
  options.device = session.context.device;
  options.workers = session.context.threads.eval_workers;
  options.channels_last = session.config.train.channels_last;
  options.transform = transform_options(session.config.data);
  Progress progress("eval", set.size(), "images");
  Evaluation result = evaluate(model, set, nullptr, options, [&](std::uint64_t done) {
    progress.update(done);
    beat();
  });
  progress.finish();
  return result;
}

}  // namespace

int eval_command(Session& session) {
  run_on_root(*session.host, "evaluation on rank 0", [&](const Beat& beat) {
    const std::string data = session.line.data.empty() ? session.config.data.test : session.line.data;
    if (data.empty()) throw UsageError("neither --data nor data.test names a packed set");
    const std::string weights = session.line.weights.empty()
                                    ? RunDirectory(session.config.run.dir).final_weights().string()
                                    : session.line.weights;
    const PackedSet set(data);
    const Evaluation result = evaluate_weights(session, set, weights, beat);
    if (!std::isfinite(result.loss)) throw DataError(fmt::format("{}: its loss is not finite", weights));
    const Interval interval = wilson_interval(result.correct(), result.count());
    std::cout << per_class_table(set, result)
              << fmt::format("loss {:.4f}\ntest acc {:.3f} (95% {:.3f}-{:.3f}, {} of {})\n", result.loss,
                             result.accuracy(), interval.low, interval.high, result.correct(), result.count())
              << std::flush;
  });
  return 0;
}

}  // namespace ft::app
