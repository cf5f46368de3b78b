#include "ft/train/run_recorder.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

namespace ft {
namespace {

using nlohmann::ordered_json;

double unix_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// "test_loss", "test_acc", ... or the same for "val".
void add_evaluation(ordered_json& line, const std::string& prefix, const Evaluation& evaluation) {
  const Interval interval = wilson_interval(evaluation.correct(), evaluation.count());
  line[prefix + "_loss"] = evaluation.loss;
  line[prefix + "_acc"] = evaluation.accuracy();
  line[prefix + "_correct"] = evaluation.correct();
  line[prefix + "_count"] = evaluation.count();
  line[prefix + "_acc_ci"] = {interval.low, interval.high};
  line[prefix + "_confusion"] = evaluation.confusion.counts();
  line[prefix + "_recall"] = evaluation.confusion.recall();
  line[prefix + "_seconds"] = evaluation.seconds;
}

std::string accuracy_line(const Evaluation* test) {
  if (test == nullptr) return "test acc n/a (data.test is not set)";
  const Interval interval = wilson_interval(test->correct(), test->count());
  return fmt::format("test acc {:.3f} (95% {:.3f}-{:.3f}, {} of {})", test->accuracy(), interval.low,
                     interval.high, test->correct(), test->count());
}

double ratio(double value, double by) {
  return by > 0 ? value / by : 0;
}

}  // namespace

RunRecorder::RunRecorder(const RunDirectory& directory, std::uint32_t incarnation, bool tensorboard)
    : incarnation_(incarnation), metrics_(directory.metrics()) {
  if (tensorboard) events_.emplace(directory.tensorboard());
}

void RunRecorder::append(ordered_json object) {
  object["incarnation"] = incarnation_;
  const std::scoped_lock lock(mutex_);
  metrics_.append(object);
}

void RunRecorder::start(const ordered_json& facts) {
  ordered_json line{{"type", "start"}};
  line.update(facts);
  line["time"] = unix_time();
  append(std::move(line));
}

void RunRecorder::step(const StepRecord& record) {
  ordered_json line{{"type", "step"},
                    {"step", record.step},
                    {"epoch", record.epoch},
                    {"loss", record.loss},
                    {"lr", record.lr},
                    {"images_per_s", record.images_per_s},
                    {"data_s", record.data_s},
                    {"compute_s", record.compute_s},
                    {"comm_s", record.comm_s},
                    {"comm_bytes", record.comm_bytes},
                    {"comm_hidden", record.comm_hidden}};
  if (record.sample_ids) line["sample_ids"] = *record.sample_ids;
  if (record.weights_sha256) line["weights_sha256"] = *record.weights_sha256;
  append(std::move(line));
  if (!events_) return;
  const auto step = static_cast<std::int64_t>(record.step);
  events_->add_scalar("train/loss", static_cast<float>(record.loss), step, unix_time());
  events_->add_scalar("train/lr", static_cast<float>(record.lr), step, unix_time());
  events_->add_scalar("speed/images_per_s", static_cast<float>(record.images_per_s), step, unix_time());
}

void RunRecorder::epoch(const EpochRecord& record, const std::vector<std::string>& classes) {
  ordered_json line{{"type", "epoch"},
                    {"epoch", record.epoch},
                    {"step", record.step},
                    {"train_loss", record.train_loss},
                    {"train_acc", record.train_accuracy}};
  if (record.test != nullptr) add_evaluation(line, "test", *record.test);
  if (record.val != nullptr) add_evaluation(line, "val", *record.val);
  line["classes"] = classes;
  line["seconds"] = record.seconds;
  line["whole"] = record.whole;
  append(std::move(line));
  if (!events_) return;
  const auto step = static_cast<std::int64_t>(record.step);
  events_->add_scalar("train/acc", static_cast<float>(record.train_accuracy), step, unix_time());
  if (record.test != nullptr) {
    events_->add_scalar("test/acc", static_cast<float>(record.test->accuracy()), step, unix_time());
    events_->add_scalar("test/loss", static_cast<float>(record.test->loss), step, unix_time());
  }
  if (record.val != nullptr) {
    events_->add_scalar("val/acc", static_cast<float>(record.val->accuracy()), step, unix_time());
  }
}

void RunRecorder::end(int exit_code, const std::string& reason, std::uint64_t step,
                      const std::vector<std::string>& closing) {
  ordered_json line{{"type", "end"}, {"exit", exit_code}, {"reason", reason}, {"step", step}};
  if (!closing.empty()) line["closing"] = closing;
  append(std::move(line));
}

std::vector<std::string> closing_lines(const TrainingPosition& position, const Evaluation* test, int ranks,
                                       const std::string& device) {
  const auto samples = static_cast<double>(position.samples);
  const auto epoch_count = static_cast<double>(position.epoch_count);
  const std::string test_accuracy = test == nullptr ? "n/a" : fmt::format("{:.3f}", test->accuracy());
  return {
      accuracy_line(test),
      fmt::format("end to end {:.1f} examples/sec, {:.1f} s", ratio(samples, position.wall_seconds),
                  position.wall_seconds),
      fmt::format("loss {:.3f}, train acc {:.3f}, test acc {}", ratio(position.epoch_loss_sum, epoch_count),
                  ratio(static_cast<double>(position.epoch_correct), epoch_count), test_accuracy),
      fmt::format("{:.1f} examples/sec on {} ranks ({})", ratio(samples, position.train_seconds), ranks,
                  device)};
}

RunHistory read_history(const RunDirectory& directory) {
  RunHistory history;
  for (const auto& line : read_metrics(directory.metrics())) {
    const std::string type = line.value("type", "");
    if (type == "start") {
      history.next_incarnation = std::max(history.next_incarnation, line.value("incarnation", 0U) + 1);
      history.finished_step.reset();
      history.data = line.value("data", "");
    } else if (type == "end" && line.value("exit", -1) == 0) {
      history.finished_step = line.value("step", std::uint64_t{0});
      history.closing = line.value("closing", std::vector<std::string>{});
    }
  }
  // A start that died before its first line may have left checkpoints.
  for (const CheckpointName& name : list_checkpoints(directory.checkpoints())) {
    history.next_incarnation = std::max(history.next_incarnation, name.incarnation + 1);
  }
  return history;
}

}  // namespace ft
