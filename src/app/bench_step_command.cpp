// `ft_dist bench step`: the time of a training step and its parts, from a packed set or from made-up images.
#include <algorithm>
#include <iostream>

#include <fmt/format.h>

#include "ft/base/atomic_write.h"
#include "ft/base/error.h"
#include "ft/base/stopwatch.h"
#include "ft/comm/agreement.h"
#include "ft/report/table.h"
#include "ft/train/gradient_sum.h"
#include "ft/train/micro_batches.h"
#include "ft/train/prepared_model.h"
#include "ft/train/run_plan.h"
#include "ft/train/sgd.h"
#include "ft/train/step_runner.h"

#include "commands.h"

namespace ft::app {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;
constexpr int kWarmUpSteps = 3;

// Noise in the sizes of a step's micro-batches, handed out again and again.
class SyntheticBatches {
 public:
  // `batch`: the global one.
  SyntheticBatches(MicroBatchCut cut, std::uint64_t batch, int image_size, std::size_t classes)
      : cut_(cut),
        batch_(batch),
        images_(torch::randn({static_cast<std::int64_t>(cut.largest(batch)), 3, image_size, image_size})),
        ids_(cut.largest(batch)) {
    labels_.reserve(ids_.size());
    for (std::size_t i = 0; i < ids_.size(); ++i) labels_.push_back(static_cast<std::int64_t>(i % classes));
  }
  [[nodiscard]] std::optional<BatchView> next() {
    const std::size_t count = cut_.part(batch_, micro_).count;
    micro_ = (micro_ + 1) % cut_.micro_batches();
    const auto values = static_cast<std::size_t>(images_.numel()) / ids_.size() * count;
    return BatchView{std::as_writable_bytes(std::span(images_.data_ptr<float>(), values)),
                     std::span(labels_).first(count), std::span(ids_).first(count), PixelType::kFloat32};
  }

 private:
  MicroBatchCut cut_;
  std::uint64_t batch_;
  int micro_ = 0;
  torch::Tensor images_;
  std::vector<std::int64_t> labels_;
  std::vector<std::uint64_t> ids_;
};

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
  std::vector<double> wall;
  double data_s = 0, compute_s = 0, comm_s = 0, optimizer_s = 0;
  std::uint64_t images = 0;
};

StepTimes measure(Session& session, PreparedModel& prepared, const NextBatch& next) {
  const Config& config = session.config;
  const auto images = static_cast<std::uint64_t>(config.train.batch_size);
  FlatParameters flat(prepared.model, kMiB, static_cast<std::size_t>(config.dist.bucket_mib) * kMiB);
  const auto reducer = make_gradient_sum(flat, *session.context.gradients, config.dist);
  Sgd sgd(flat, config.optimizer);
  StepRunner runner(prepared.model, *reducer, config, session.context);
  StepTimes times;
  Stopwatch measured;
  for (int step = 0;; ++step) {
    if (step == kWarmUpSteps) {
      times = StepTimes();
      measured.restart();
    }
    // Rank 0's clock decides, so that all ranks take the same number of steps.
    double over[1] = {step > kWarmUpSteps && measured.seconds() >= session.line.seconds ? 1.0 : 0.0};
    if (!session.context.is_root()) over[0] = 0;
    session.host->all_reduce_host(over, ReduceOp::kMax, "bench step");
    if (over[0] > 0) return times;

    const Stopwatch whole_step;
    const StepShare share = runner.run(next, images);
    const Stopwatch update;
    sgd.step(config.optimizer.lr, 1.0 / static_cast<double>(images));
    times.optimizer_s += update.seconds();
    times.wall.push_back(whole_step.seconds());
    times.data_s += share.data_s;
    times.compute_s += share.compute_s;
    times.comm_s += share.comm_s;
    times.images += share.count;
  }
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void print_figures(const Session& session, const StepTimes& times) {
  const auto steps = static_cast<double>(times.wall.size());
  double wall = 0;
  for (const double seconds : times.wall) wall += seconds;
  const double other = wall - times.data_s - times.compute_s - times.comm_s - times.optimizer_s;
  Table table({"part", "ms/step", "share"});
  const auto add = [&](const char* name, double seconds) {
    table.add_row(
        {name, fmt::format("{:.2f}", seconds / steps * 1e3), fmt::format("{:.1f}%", seconds / wall * 100)});
  };
  add("data", times.data_s);
  add("compute", times.compute_s);
  add("communication", times.comm_s);
  add("optimizer", times.optimizer_s);
  add("other", other);
  const double rate = static_cast<double>(times.images) / wall * session.context.world_size();
  std::cout << table.to_string(0)
            << fmt::format("{:.2f} ms a step (median of {}), {:.1f} images/s on {} ranks\n",
                           median(times.wall) * 1e3, times.wall.size(), rate, session.context.world_size())
            << std::flush;
  if (session.line.json.empty()) return;
  const nlohmann::ordered_json json{{"median_s", median(times.wall)},
                                    {"steps", times.wall.size()},
                                    {"images_per_s", rate},
                                    {"data_s", times.data_s / steps},
                                    {"compute_s", times.compute_s / steps},
                                    {"comm_s", times.comm_s / steps},
                                    {"optimizer_s", times.optimizer_s / steps},
                                    {"other_s", other / steps}};
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
      plan = make_run_plan(config, session.context.world_size());
      if (plan->steps.samples() < batch) throw UsageError("the set is smaller than one batch");
      classes = plan->classes();
    }
    prepared = prepare_model(config, classes, session.context.device, nullptr);
  });
  StepTimes times;
  if (session.line.synthetic) {
    SyntheticBatches batches(cut, batch, config.data.image_size, 2);
    times = measure(session, prepared, [&] { return batches.next(); });
  } else {
    LoaderOptions options = training_loader_options(config);
    options.workers = session.context.threads.workers;
    options.max_batch = cut.largest(batch);
    Loader loader(*plan->train, options, full_batches(plan->steps, batch, cut));
    times = measure(session, prepared, [&] { return loader.next(); });
  }
  agree(*session.host, "writing the figures", [&] {
    if (session.context.is_root()) print_figures(session, times);
  });
  return 0;
}

}  // namespace ft::app
