// `ft_dist bench step`: the time of a training step and its parts, from a packed set or from made-up images.
#include <algorithm>
#include <iostream>
#include <numeric>

#include <fmt/format.h>

#include "ft/base/atomic_write.h"
#include "ft/base/error.h"
#include "ft/base/stopwatch.h"
#include "ft/comm/agreement.h"
#include "ft/report/table.h"
#include "ft/train/autocast.h"
#include "ft/train/batch_feed.h"
#include "ft/train/gradient_sum.h"
#include "ft/train/micro_batches.h"
#include "ft/train/prepared_model.h"
#include "ft/train/run_plan.h"
#include "ft/train/sgd.h"
#include "ft/train/step_runner.h"

#include "commands.h"
#include "start_table.h"
#include "synthetic_batches.h"

namespace ft::app {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;
constexpr int kWarmUpSteps = 3;
constexpr int kStepsOfCommunicationAlone = 5;

// Full batches only, so that every step is the same work.
Loader::Source full_batches(const StepPlan& steps, std::uint64_t batch, MicroBatchCut cut) {
  return [&steps, cut, full = steps.samples() / batch, cursor = BatchCursor(steps), k = std::uint64_t{0},
          micro = 0](BatchRequest& request) mutable {
    const std::uint64_t step = k / full * steps.steps_per_epoch() + k % full + 1;
    const auto ids = micro == 0 ? cursor.batch(step) : cursor.latest();
    const Share part = cut.part(ids.size(), micro);
    const auto mine = ids.subspan(part.first, part.count);
    request.epoch = steps.position_of(step).epoch;
    request.sample_ids.assign(mine.begin(), mine.end());
    if (++micro == cut.micro_batches()) {
      micro = 0;
      ++k;
    }
    return true;
  };
}

struct StepTimes {
  std::vector<double> wall;  // from one step's begin to the next one's
  PhaseTimes parts;
  double hidden_s = 0;   // of communication, while backward ran
  double exposed_s = 0;  // and inside parts.sums_s
  std::uint64_t bytes = 0, images = 0;
  std::vector<double> comm_alone;  // sums of gradients with nothing to hide behind

  [[nodiscard]] double wall_s() const { return std::accumulate(wall.begin(), wall.end(), 0.0); }
  // Agreeing with the other ranks after each step, as training does about its counts: mostly waiting for
  // them.
  [[nodiscard]] double idle_s() const {
    return wall_s() - parts.data_s - parts.compute_s - parts.comm_s() - parts.optimizer_s;
  }
};

void add(StepTimes& times, const StepShare& share) {
  times.parts.data_s += share.times.data_s;
  times.parts.compute_s += share.times.compute_s;
  times.parts.sums_s += share.times.sums_s;
  times.parts.exchange_s += share.times.exchange_s;
  times.parts.optimizer_s += share.times.optimizer_s;
  times.hidden_s += share.gradients.hidden_s;
  times.exposed_s += share.gradients.exposed_s;
  times.bytes += share.gradients.bytes;
  times.images += share.count;
}

// Rank 0's clock decides, so that all ranks take the same number of steps. A step without its images, or with
// a loss that is none, is no step to measure: all ranks throw.
bool enough(Session& session, bool here, const StepShare& share) {
  double told[2] = {session.context.is_root() && here ? 1.0 : 0.0, share.good() ? 0.0 : 1.0};
  session.host->all_reduce_host(told, ReduceOp::kMax, "bench step");
  if (told[1] > 0) {
    agree(*session.host, "bench step", [&] {
      if (share.failure) std::rethrow_exception(share.failure);
      if (!share.not_finite.empty()) throw DivergedError(share.not_finite, "lower optimizer.lr");
    });
  }
  return told[0] > 0;
}

StepTimes measure(Session& session, PreparedModel& prepared, BatchFeed& feed) {
  const Config& config = session.config;
  const auto images = static_cast<std::uint64_t>(config.train.batch_size);
  FlatParameters flat(prepared.model, kMiB, static_cast<std::size_t>(config.dist.bucket_mib) * kMiB);
  const auto reducer = make_gradient_sum(flat, *session.context.gradients, config.dist);
  Sgd sgd(flat, config.optimizer);
  StepRunner runner(prepared.model, *reducer, config, session.context);
  StepTimes times;
  Stopwatch measured;
  for (int step = -kWarmUpSteps;; ++step) {
    if (step == 0) {
      times = StepTimes();
      measured.restart();
    }
    const Stopwatch whole_step;
    StepShare share = runner.run(feed, images);
    runner.timer().enter(Phase::kOptimizer);
    sgd.step(config.optimizer.lr, 1.0 / static_cast<double>(images));
    runner.timer().enter(Phase::kOther);
    runner.take_times(share);
    add(times, share);
    const bool last = enough(session, step > 0 && measured.seconds() >= session.line.seconds, share);
    times.wall.push_back(whole_step.seconds());
    if (last) break;
  }
  for (int i = 0; i < kStepsOfCommunicationAlone; ++i)
    times.comm_alone.push_back(reducer->finish().exposed_s);
  return times;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// Seconds a step of one part: here, and the least and most over the ranks.
struct PartTime {
  std::string name;  // in the table
  std::string key;   // in the JSON
  double mine, least, most;
};

// Collective.
std::vector<PartTime> parts_of(Session& session, const StepTimes& times) {
  const auto steps = static_cast<double>(times.wall.size());
  std::vector<PartTime> parts{{"data", "data_s", times.parts.data_s, 0, 0},
                              {"compute", "compute_s", times.parts.compute_s, 0, 0},
                              {"communication", "comm_s", times.parts.comm_s(), 0, 0},
                              {"optimizer", "optimizer_s", times.parts.optimizer_s, 0, 0},
                              {"idle", "idle_s", times.idle_s(), 0, 0}};
  std::vector<double> least, most;
  for (PartTime& part : parts) {
    part.mine /= steps;
    least.push_back(part.mine);
  }
  most = least;
  session.host->all_reduce_host(least, ReduceOp::kMin, "bench step");
  session.host->all_reduce_host(most, ReduceOp::kMax, "bench step");
  for (std::size_t i = 0; i < parts.size(); ++i) {
    parts[i].least = least[i];
    parts[i].most = most[i];
  }
  return parts;
}

std::string parts_table(const std::vector<PartTime>& parts, double step_s, int ranks) {
  std::vector<std::string> header{"part", "ms/step", "share"};
  if (ranks > 1) header.insert(header.end(), {"least", "most"});
  Table table(header);
  for (const PartTime& part : parts) {
    std::vector<std::string> row{part.name, fmt::format("{:.2f}", part.mine * 1e3),
                                 fmt::format("{:.1f}%", part.mine / step_s * 100)};
    if (ranks > 1) {
      row.push_back(fmt::format("{:.2f}", part.least * 1e3));
      row.push_back(fmt::format("{:.2f}", part.most * 1e3));
    }
    table.add_row(row);
  }
  return table.to_string(0);
}

std::string communication_text(const StepTimes& times, const CommunicationCost& all) {
  const auto steps = static_cast<double>(times.wall.size());
  return fmt::format(
      "gradients: {} sent by rank 0 a step; a bucket was under way for {:.2f} ms, {:.0f}% of it behind "
      "backward; {:.2f} ms with nothing to hide behind\n",
      format_bytes(times.bytes / times.wall.size()), (all.hidden_s + all.exposed_s) / steps * 1e3,
      all.hidden_share() * 100, median(times.comm_alone) * 1e3);
}

void print_figures(const Session& session, const StepTimes& times, const std::vector<PartTime>& parts) {
  const int ranks = session.context.world_size();
  const auto steps = static_cast<double>(times.wall.size());
  const double step_s = times.wall_s() / steps;
  const double rate = session.config.train.batch_size / step_s;
  const CommunicationCost all{
      .bytes = times.bytes, .hidden_s = times.hidden_s, .exposed_s = times.exposed_s, .device_s = {}};
  std::cout << parts_table(parts, step_s, ranks);
  if (ranks > 1) std::cout << communication_text(times, all);
  std::cout << fmt::format("{:.2f} ms a step (median of {}), {:.1f} images/s on {} ranks\n",
                           median(times.wall) * 1e3, times.wall.size(), rate, ranks)
            << std::flush;
  if (session.line.json.empty()) return;
  nlohmann::ordered_json json{{"median_s", median(times.wall)},
                              {"mean_s", step_s},
                              {"steps", times.wall.size()},
                              {"ranks", ranks},
                              {"images_per_s", rate}};
  for (const PartTime& part : parts) {
    json[part.key] = part.mine;
    json["over_ranks"][part.key] = {part.least, part.most};
  }
  json["comm_bytes"] = times.bytes / times.wall.size();
  json["comm_hidden_s"] = times.hidden_s / steps;
  json["comm_exposed_s"] = times.exposed_s / steps;
  json["comm_hidden"] = all.hidden_share();
  json["comm_alone_s"] = median(times.comm_alone);
  write_file_atomically(session.line.json, json.dump(2) + "\n");
}

}  // namespace

int bench_step_command(Session& session) {
  Config& config = session.config;
  if (!session.line.data.empty()) config.data.train = session.line.data;
  const auto batch = static_cast<std::uint64_t>(config.train.batch_size);
  MicroBatchCut cut;
  std::optional<RunPlan> plan;
  PreparedModel prepared;
  agree(*session.host, "preparing to measure", [&] {
    cut = micro_batch_cut(config, session.context.rank(), session.context.world_size());
    std::vector<std::string> classes{"a", "b"};
    if (!session.line.synthetic) {
      if (config.data.train.empty()) {
        throw UsageError("data.train is not set",
                         "--synthetic measures without data; --data DIR names a packed set");
      }
      plan = make_run_plan(config, session.context.world_size());
      if (plan->steps.samples() < batch) throw UsageError("the set is smaller than one batch");
      classes = plan->classes();
    }
    prepared = prepare_model(config, classes, session.context.device, nullptr);
  });
  warn_of_shares(session, batch);
  LoaderOptions options = training_loader_options(config);
  options.workers = session.context.threads.workers;
  options.max_batch = cut.largest(batch);
  prepare_for(session.context.device, options);
  StepTimes times;
  const auto measure_fed_by = [&](BatchSource source) {
    const auto feed = make_batch_feed(std::move(source), options, input_type(config.train.precision),
                                      session.context.device);
    times = measure(session, prepared, *feed);
  };
  if (session.line.synthetic) {
    SyntheticBatches batches(cut, batch, options, 2);
    measure_fed_by(batches.source());
  } else {
    Loader loader(*plan->train, options, full_batches(plan->steps, batch, cut));
    measure_fed_by(source_of(loader));
  }
  const std::vector<PartTime> parts = parts_of(session, times);
  agree(*session.host, "writing the figures", [&] {
    if (session.context.is_root()) print_figures(session, times, parts);
  });
  return 0;
}

}  // namespace ft::app
