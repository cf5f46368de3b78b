#include "ft/train/step_runner.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ft/base/error.h"
#include "ft/comm/fixed_point.h"
#include "ft/model/freeze.h"
#include "ft/train/autocast.h"
#include "ft/train/image_shares.h"

namespace ft {
namespace {

// `what`, and the samples whose logits are not finite, else (only their sum overflowed) all of the batch.
std::string describe(const std::string& what, const torch::Tensor& logits,
                     const std::vector<std::uint64_t>& sample_ids) {
  constexpr std::size_t kMostNamed = 16;
  const torch::Tensor good = torch::isfinite(logits).all(1).to(torch::kCPU);
  std::vector<std::uint64_t> ids;
  for (std::size_t i = 0; i < sample_ids.size(); ++i) {
    if (!good[static_cast<std::int64_t>(i)].item<bool>()) ids.push_back(sample_ids[i]);
  }
  if (ids.empty()) ids = sample_ids;
  const std::size_t more = ids.size() > kMostNamed ? ids.size() - kMostNamed : 0;
  ids.resize(ids.size() - more);
  return fmt::format("{}; samples {}{}", what, fmt::join(ids, ", "),
                     more > 0 ? fmt::format(" and {} more", more) : "");
}

// The loss and the right answers, together, so that they are read back together.
torch::Tensor counts_of(const torch::Tensor& logits, const torch::Tensor& labels, const torch::Tensor& loss) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor correct = (logits.argmax(1) == labels).sum();
  return torch::stack({loss.to(torch::kFloat64), correct.to(torch::kFloat64)});
}

// A sample that does not verify must not keep this rank from the step's all-reduces: the others wait in them.
std::optional<FedBatch> next_or_failure(BatchFeed& feed, StepShare& share) {
  if (share.failure) return std::nullopt;
  try {
    return feed.next();
  } catch (const Error&) {
    share.failure = std::current_exception();
    return std::nullopt;
  }
}

}  // namespace

StepRunner::StepRunner(ResNet& model, GradientSum& gradients, const Config& config,
                       const RankContext& context)
    : model_(&model),
      gradients_(&gradients),
      config_(&config),
      context_(&context),
      cut_(micro_batch_cut(config, context.rank(), context.world_size())),
      timer_(clock_of(context.device)),
      over_ranks_(config.model.batch_norm == BatchNormMode::kSync && context.world_size() > 1) {
  if (config.dist.elastic > 0) {
    set_train_mode(model, config.model.freeze, config.model.batch_norm);
    statistics_.emplace(model, *context.gradients, config.dist.elastic);
  }
  if (!over_ranks_) return;
  normalize_over_ranks(model, [this, ranks = context.gradients](torch::Tensor& sums) {
    timer_.enter(Phase::kExchange);
    ranks
        ->start_all_reduce(sums.data_ptr<double>(), static_cast<std::size_t>(sums.numel()),
                           ElementKind::kFloat64, ReduceOp::kSum)
        ->wait(deadline_after(ranks->timeout()), "all-reduce of batch norm sums");
    timer_.enter(Phase::kCompute);
  });
}

void StepRunner::enter_training_mode(std::uint64_t images) {
  const bool use_running = !have_own_statistics(images, config_->data.image_size);
  if (training_mode_ && use_running == running_statistics_used_) return;
  set_train_mode(*model_, config_->model.freeze,
                 use_running ? BatchNormMode::kFrozen : config_->model.batch_norm);
  training_mode_ = true;
  running_statistics_used_ = use_running;
}

FedBatch StepRunner::no_images() const {
  const std::int64_t side = config_->data.image_size;
  const auto there = torch::TensorOptions().device(context_->device);
  return {torch::empty({0, 3, side, side}, there), torch::empty({0}, there.dtype(torch::kInt64)), {}};
}

void StepRunner::run_micro_batch(const FedBatch& batch, bool last, StepShare& share) {
  torch::Tensor logits, loss;
  if (statistics_) statistics_->begin_part();
  {
    const AutocastGuard autocast(config_->train.precision, context_->device.type());
    logits = (*model_)->forward(batch.images).to(torch::kFloat32);
    const auto options = torch::nn::functional::CrossEntropyFuncOptions()
                             .reduction(torch::kSum)
                             .label_smoothing(config_->train.label_smoothing);
    loss = torch::nn::functional::cross_entropy(logits, batch.labels, options);
  }
  if (statistics_ && !running_statistics_used_) statistics_->end_part();
  outcomes_.push_back({counts_of(logits, batch.labels, loss), logits.detach(), batch.sample_ids});
  share.count += batch.size();
  if (last) {
    if (statistics_) statistics_->start_sum();
    gradients_->arm();
  }
  loss.backward();
}

// What a step came to is wanted only once it has been given to the device whole.
void StepRunner::read_outcomes(StepShare& share) {
  if (outcomes_.empty()) return;
  std::vector<torch::Tensor> counts;
  counts.reserve(outcomes_.size());
  for (const Outcome& outcome : outcomes_) counts.push_back(outcome.counts);
  const torch::Tensor here = torch::stack(counts).to(torch::kCPU);
  for (std::size_t i = 0; i < outcomes_.size(); ++i)
    read(outcomes_[i], here[static_cast<std::int64_t>(i)], share);
  outcomes_.clear();
}

void StepRunner::read(const Outcome& outcome, const torch::Tensor& counts, StepShare& share) const {
  const auto loss = counts[0].item<double>();
  share.loss_sum += statistics_ ? exact_loss_term(loss) : loss;
  share.correct += static_cast<std::uint64_t>(counts[1].item<double>());
  const std::string trouble =
      std::isfinite(loss) ? elastic_trouble(loss) : std::string(std::isnan(loss) ? "loss nan" : "loss inf");
  if (!trouble.empty() && share.not_finite.empty())
    share.not_finite = describe(trouble, outcome.logits, outcome.sample_ids);
}

std::string StepRunner::elastic_trouble(double loss) const {
  if (!statistics_) return {};
  if (std::fabs(loss) >= exact_loss_limit(config_->dist.elastic))
    return fmt::format("loss {:.3g}, more than dist.elastic can add", loss);
  if (std::string trouble = statistics_->trouble(); !trouble.empty()) return trouble;
  return gradients_->trouble();
}

int StepRunner::micro_batches(std::uint64_t images) const {
  // The first ranks and parts get the remainders.
  MicroBatchCut whose = cut_;
  if (over_ranks_) whose.rank = 0;
  int count = 0;
  while (count < whose.micro_batches() && whose.part(images, count).count > 0) ++count;
  return count;
}

std::uint64_t StepRunner::normalized_together(std::uint64_t images, int micro, std::uint64_t own) const {
  if (!over_ranks_) return own;
  std::uint64_t sum = 0;
  MicroBatchCut cut = cut_;
  for (cut.rank = 0; cut.rank < context_->world_size(); ++cut.rank) sum += cut.part(images, micro).count;
  return sum;
}

void StepRunner::run_parts(BatchFeed& feed, std::uint64_t images, StepShare& share) {
  const int count = micro_batches(images);
  for (int micro = 0; micro < cut_.micro_batches(); ++micro) {
    timer_.enter(Phase::kData);
    auto batch = next_or_failure(feed, share);
    if (micro >= count) continue;
    if (!share.good()) {
      if (!over_ranks_) continue;
      batch = no_images();  // the others wait for this rank's sums
    }
    timer_.enter(Phase::kCompute);
    enter_training_mode(normalized_together(images, micro, batch->size()));
    run_micro_batch(*batch, micro + 1 == count, share);
    timer_.enter(Phase::kData);
    feed.prefetch();
    if (statistics_) read_outcomes(share);
  }
}

// Waits for what all ranks add up.
CommunicationCost StepRunner::finish_sums(std::uint64_t images) {
  timer_.enter(Phase::kSums);
  if (statistics_) statistics_->start_sum();
  const CommunicationCost cost = gradients_->finish();
  timer_.enter(Phase::kExchange);
  if (!statistics_) return cost;
  std::uint64_t normalized = 0;
  MicroBatchCut parts{0, 1, 1, config_->dist.elastic};
  for (int part = 0; part < parts.micro_batches(); ++part) {
    if (have_own_statistics(parts.part(images, part).count, config_->data.image_size)) ++normalized;
  }
  statistics_->finish(normalized);
  return cost;
}

StepShare StepRunner::run(BatchFeed& feed, std::uint64_t images) {
  StepShare share;
  if (statistics_) statistics_->begin_step();
  run_parts(feed, images, share);
  share.gradients = finish_sums(images);
  timer_.enter(Phase::kOther);
  read_outcomes(share);
  return share;
}

void StepRunner::take_times(StepShare& share) {
  share.times = timer_.take();
  if (share.gradients.device_s) share.gradients = share.gradients.on_device(share.times.sums_s);
}

}  // namespace ft
